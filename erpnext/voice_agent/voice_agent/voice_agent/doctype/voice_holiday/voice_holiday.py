"""A day on which the business is closed."""

from frappe.model.document import Document


class VoiceHoliday(Document):
	pass
