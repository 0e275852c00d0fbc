"""One held time; see Voice Slot Hold."""

from frappe.model.document import Document


class VoiceHeldSlot(Document):
	pass
