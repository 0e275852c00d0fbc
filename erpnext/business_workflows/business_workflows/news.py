"""Telling others that a document changed: the staff's screens, and the caller's.

Screens get a hint without personal data, in the room of the document type: only who may read it can join. They fetch
the rest by themselves. Both kinds of news leave after the commit.
"""

import frappe
from frappe.model.document import Document
from frappe.realtime import get_doctype_room

from voice_agent import outbox

#: The kind of business that listens for news of a document.
BUSINESS = {
	"Voice Restaurant Order": "Restaurant",
	"Voice Appointment": "Appointment",
	"Voice Support Ticket": "Support",
	"Voice Message": "General",
}


def spread(document: Document) -> None:
	"""After a document was stored. The caller knows what they just asked for, so a new document is news for staff only."""
	before = document.get_doc_before_save()
	if before is None or before.status != document.status:
		_tell_staff(document, is_new=before is None)
	if before is not None and before.status != document.status:
		outbox.announce(document, BUSINESS[document.doctype])


def _tell_staff(document: Document, is_new: bool) -> None:
	frappe.publish_realtime(
		"voice_board",
		{
			"doctype": document.doctype,
			"name": document.name,
			"status": document.status,
			"is_new": is_new,
		},
		room=get_doctype_room(document.doctype),
		after_commit=True,
	)
