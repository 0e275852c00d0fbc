"""The record of one call. Its live state is the gateway's; nothing here leads a call."""

from frappe.model.document import Document

from voice_agent.domain import session, when
from voice_agent.refusals import answered


class VoiceSession(Document):
	def validate(self):
		with answered():
			before = self.get_doc_before_save()
			session.check_change(before.status if before else None, self.status)
			self.read_times()
			self.duration = session.duration(self.start_time, self.end_time)

	def read_times(self):
		"""The database answers everything but a naive time with an error of its own."""
		for field in ("start_time", "end_time", "consent_at"):
			if self.get(field):
				self.set(field, when.read_time(self.get(field)))
		for interaction in self.interactions:
			if interaction.at:
				interaction.at = when.read_time(interaction.at)
