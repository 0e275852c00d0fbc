"""A kind of support request: who gets it, how urgent it is, by when it is answered."""

from frappe.model.document import Document


class SupportCategory(Document):
	pass
