"""Commands that take effect once.

A command's document is named by its idempotency key. A second call with the key finds the document; two at the same
time meet at the primary key. The key of another command is refused, by a digest of what was asked for.
"""

from collections.abc import Mapping
from typing import Any

import frappe
from frappe.model.document import Document

from business_workflows.domain.refusal import KeyReused, UnknownDocument
from voice_agent.domain import text
from voice_agent.domain.digest import digest


def once(
	doctype: str, idempotency_key: str, command: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[Document, bool]:
	"""Makes the document, or finds the one that an earlier call made; True when this call made it.

	`command` is what was asked for, `fields` what the document begins with. The session is no part of the command: a
	call that goes on after a page change has another one.
	"""
	frappe.has_permission(doctype, "create", throw=True)
	name = text.key(idempotency_key)
	fingerprint = digest(command)
	earlier = _earlier(doctype, name, fingerprint)
	if earlier:
		return earlier, False
	document = frappe.get_doc(
		{"doctype": doctype, **fields, "idempotency_key": name, "command_digest": fingerprint}
	)
	try:
		document.insert()
	except frappe.DuplicateEntryError:
		# The other request has committed, but this transaction's read view is older. Nothing was written here yet, so
		# a new transaction is free; it also gives back the locks that would make repeats wait for each other.
		frappe.clear_last_message()
		frappe.db.rollback()
		earlier = _earlier(doctype, name, fingerprint)
		if not earlier:
			raise
		return earlier, False
	return document, True


def _earlier(doctype: str, name: str, fingerprint: str) -> Document | None:
	if not frappe.db.exists(doctype, name):
		return None
	document = frappe.get_doc(doctype, name)
	document.check_permission("read")
	if document.command_digest and document.command_digest != fingerprint:
		raise KeyReused("That was already asked for, with other details.")
	return document


def look_up(doctype: str, said: str, number_field: str | None = None) -> Document:
	"""The document that a caller asks after, by its name or by the number that they were told."""
	frappe.has_permission(doctype, "read", throw=True)
	wanted = said.strip()
	name = frappe.db.exists(doctype, wanted) if wanted else None
	if not name and wanted and number_field:
		name = frappe.db.get_value(doctype, {number_field: wanted}, "name")
	if not name:
		raise UnknownDocument("I cannot find that. Could you check the number?")
	document = frappe.get_doc(doctype, name)
	document.check_permission("read")
	return document


def answer(document: Document, *fields: str) -> dict[str, Any]:
	"""The named fields of a document; one without a value is null."""
	return {field: document.get(field) for field in fields}
