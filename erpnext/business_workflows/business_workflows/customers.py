"""Who calls: names and numbers as they are stored, and the profile behind a number.

A number is the only thing that tells callers apart. Two with one name are two people.
"""

import frappe
from frappe.model.document import Document
from frappe.utils import now_datetime

from business_workflows import settings
from voice_agent.domain import phone, text


def tidy(document: Document) -> None:
	"""Brings a document's customer into the form that is stored. Refuses what is no name or no number."""
	if document.customer_name:
		document.customer_name = text.name(document.customer_name)
	if document.customer_phone:
		document.customer_phone = phone.normalise(document.customer_phone, settings.phone_region())


def tidy_new(document: Document) -> None:
	"""As `tidy`, and makes a document of the desk complete: it has no call, and its own key."""
	document.session_id = document.session_id or "desk"
	document.idempotency_key = document.idempotency_key or f"desk-{frappe.generate_hash(length=20)}"
	tidy(document)


def remember(document: Document) -> None:
	"""Keeps the profile of the number that a new document has."""
	number = document.customer_phone
	if not number:
		return
	seen = {"customer_name": document.customer_name, "last_seen": now_datetime()}
	if frappe.db.exists("Voice Customer Profile", number):
		frappe.db.set_value("Voice Customer Profile", number, seen, update_modified=False)
		return
	profile = frappe.get_doc(
		{"doctype": "Voice Customer Profile", "phone": number, "first_seen": seen["last_seen"], **seen}
	)
	try:
		profile.insert()
	except frappe.DuplicateEntryError:
		# The same caller in another request, a moment ago: the profile is there, and that is all it takes.
		frappe.clear_last_message()
