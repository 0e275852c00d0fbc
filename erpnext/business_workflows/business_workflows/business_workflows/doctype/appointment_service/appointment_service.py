"""A service that can be booked: how long it takes, who does it, and when."""

import frappe
from frappe import _
from frappe.model.document import Document

from business_workflows import calendar
from business_workflows.domain.slots import LONGEST_MINUTES
from voice_agent.refusals import answered


class AppointmentService(Document):
	def validate(self):
		length = (self.duration or 0) + (self.buffer_before or 0) + (self.buffer_after or 0)
		if not 1 <= (self.duration or 0) <= length <= LONGEST_MINUTES:
			frappe.throw(_("With its buffers a service takes between a minute and a day."))
		with answered():
			calendar.load(self)
