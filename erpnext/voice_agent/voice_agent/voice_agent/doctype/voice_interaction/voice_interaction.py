"""One step of a call: a tool that the agent used, a message, a transfer, a fault."""

from frappe.model.document import Document


class VoiceInteraction(Document):
	pass
