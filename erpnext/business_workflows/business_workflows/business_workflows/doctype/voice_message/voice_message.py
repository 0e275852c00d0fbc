"""A message that a caller left, and whether they want to be called back."""

from frappe.model.document import Document

from business_workflows import customers, news
from business_workflows.domain import states
from voice_agent.domain import text
from voice_agent.refusals import answered


class VoiceMessage(Document):
	def before_insert(self):
		with answered():
			customers.tidy_new(self)
			if self.message:
				self.message = text.prose(self.message, "message")

	def validate(self):
		with answered():
			before = self.get_doc_before_save()
			states.MESSAGE.check(before.status if before else None, self.status)
			customers.tidy(self)

	def after_insert(self):
		customers.remember(self)

	def on_update(self):
		news.spread(self)
