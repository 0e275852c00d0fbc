"""What the agent is for one kind of business. The gateway's workers read it; the secret stays here."""

from urllib.parse import urlsplit

import frappe
from frappe import _
from frappe.model.document import Document

from voice_agent.domain import opening, retention, when
from voice_agent.domain.opening import Hours
from voice_agent.refusals import answered


class VoiceConfig(Document):
	def validate(self):
		with answered():
			self.hours()
		self.retention_days = retention.days(self.retention_days)
		if self.webhook_enabled:
			self.check_webhook()

	def check_webhook(self):
		url = urlsplit(self.webhook_url or "")
		if url.scheme not in ("http", "https") or not url.hostname or url.username:
			frappe.throw(_("The gateway's URL begins with https:// and has no user in it."))
		if not self.webhook_secret:
			frappe.throw(_("News of a status is sent signed: it needs the secret that the gateway knows."))

	def hours(self) -> Hours:
		"""The opening hours and holidays."""
		return Hours.of(
			[(row.day, clock(row.opens), clock(row.closes)) for row in self.opening_hours],
			[when.read_date(row.holiday_date) for row in self.holidays if row.holiday_date],
		)

	def spoken_hours(self) -> list[dict[str, str]]:
		"""The opening hours in the order of the week, as the API has them."""
		rows = sorted(self.opening_hours, key=lambda row: (opening.WEEKDAYS.index(row.day), clock(row.opens)))
		return [
			{"day": row.day, "opens": f"{clock(row.opens):%H:%M}", "closes": f"{clock(row.closes):%H:%M}"}
			for row in rows
		]


def clock(value):
	"""A time of day, whether it comes from a form (text) or from the database (a span since midnight)."""
	return when.read_clock(str(value))
