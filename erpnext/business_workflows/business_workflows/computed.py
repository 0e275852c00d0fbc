"""Fields that only the app fills in.

Frappe's read-only fields are read-only in forms; over the API anybody with a right to write may send them. What was
sent is replaced by what was stored.
"""

from frappe.model.document import Document


def keep(document: Document, before: Document, *fields: str) -> None:
	"""Puts the fields back to their stored values."""
	document.update({field: before.get(field) for field in fields})
