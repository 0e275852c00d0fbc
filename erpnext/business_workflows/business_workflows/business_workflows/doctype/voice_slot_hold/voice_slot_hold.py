"""Times that a caller is thinking about. Written under the calendar's lock; over when `expires_at` has come."""

from frappe.model.document import Document


class VoiceSlotHold(Document):
	pass
