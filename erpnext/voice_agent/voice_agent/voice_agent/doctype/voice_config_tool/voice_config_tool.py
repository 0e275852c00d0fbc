"""A tool that the agent may use."""

from frappe.model.document import Document


class VoiceConfigTool(Document):
	pass
