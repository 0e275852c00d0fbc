"""News of a document's status; see `voice_agent.outbox`."""

from frappe.model.document import Document


class VoiceStatusEvent(Document):
	pass
