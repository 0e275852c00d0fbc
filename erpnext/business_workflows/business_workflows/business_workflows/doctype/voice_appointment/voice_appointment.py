"""An appointment, by phone or from the desk. It has its time to itself: see `business_workflows.calendar`."""

import frappe
from frappe.model.document import Document

from business_workflows import calendar, customers, news, settings
from business_workflows.computed import keep
from business_workflows.domain import states
from voice_agent.refusals import answered


class VoiceAppointment(Document):
	def before_insert(self):
		with answered():
			customers.tidy_new(self)

	def validate(self):
		with answered():
			before = self.get_doc_before_save()
			states.APPOINTMENT.check(before.status if before else None, self.status)
			customers.tidy(self)
			if before:
				keep(self, before, "service_name", "price", "currency", "end", "busy_from", "busy_until")
			if self.service_type and self.start and states.takes_time(self.status) and self.is_moved():
				self.fill_in_service()
				calendar.claim(self)

	def after_insert(self):
		customers.remember(self)
		calendar.release(self.session_id)

	def on_update(self):
		news.spread(self)

	def is_moved(self) -> bool:
		"""Whether it needs a place: it is new, or the desk gave it another time or person."""
		return self.is_new() or self.has_value_changed("start") or self.has_value_changed("resource")

	def fill_in_service(self):
		if not self.is_new():
			return
		service = frappe.get_cached_doc("Appointment Service", self.service_type)
		self.service_name = service.service_name
		self.price = service.price
		self.currency = settings.currency()


def on_doctype_update():
	"""The locking read for overlaps must lock no more than a resource's day."""
	frappe.db.add_index("Voice Appointment", ["resource", "busy_from"])
