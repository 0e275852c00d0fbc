"""What the business knows of a caller, by telephone number (E.164)."""

from frappe.model.document import Document

from business_workflows import settings
from voice_agent.domain import phone, text
from voice_agent.refusals import answered


class VoiceCustomerProfile(Document):
	def before_insert(self):
		with answered():
			if self.phone:
				self.phone = phone.normalise(self.phone, settings.phone_region())

	def validate(self):
		with answered():
			if self.customer_name:
				self.customer_name = text.name(self.customer_name)
