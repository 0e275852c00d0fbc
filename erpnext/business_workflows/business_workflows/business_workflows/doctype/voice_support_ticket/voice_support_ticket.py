"""A support request, with an owner and a promise by when."""

import frappe
from frappe.model.document import Document
from frappe.utils import now_datetime

from business_workflows import customers, news
from business_workflows.computed import keep
from business_workflows.domain import states, support
from voice_agent.domain import text
from voice_agent.refusals import answered


class VoiceSupportTicket(Document):
	def before_insert(self):
		with answered():
			customers.tidy_new(self)
			if self.issue_description:
				self.issue_description = text.prose(self.issue_description, "description")
		self.route()

	def validate(self):
		with answered():
			before = self.get_doc_before_save()
			states.TICKET.check(before.status if before else None, self.status)
			customers.tidy(self)
			if before:
				keep(self, before, "respond_by", "resolve_by")

	def after_insert(self):
		customers.remember(self)

	def on_update(self):
		news.spread(self)

	def route(self):
		"""The category decides who gets it, how urgent it is, and by when. Nobody named one: the first is taken."""
		if not self.category:
			self.category = frappe.db.get_value("Support Category", {}, "name", order_by="position asc")
		if not self.category:
			return
		category = frappe.get_cached_doc("Support Category", self.category)
		self.category = category.name
		self.priority = self.priority or category.default_priority
		self.assigned_to = self.assigned_to or category.assign_to
		promise = support.promise(
			now_datetime(), self.priority, category.respond_minutes, category.resolve_hours
		)
		self.respond_by, self.resolve_by = promise.respond_by, promise.resolve_by
