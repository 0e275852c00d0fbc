"""One period in which a business is open."""

from frappe.model.document import Document


class VoiceOpeningHours(Document):
	pass
