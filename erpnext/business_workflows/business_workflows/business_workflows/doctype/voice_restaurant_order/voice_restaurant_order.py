"""An order, by phone or from the desk. Its prices are the menu's when it was placed."""

import frappe
from frappe.model.document import Document
from frappe.model.naming import make_autoname

from business_workflows import customers, menu, news, settings
from business_workflows.computed import keep
from business_workflows.domain import money, order, states
from business_workflows.setup import ORDER_SERIES
from voice_agent.refusals import answered


class VoiceRestaurantOrder(Document):
	def before_insert(self):
		with answered():
			customers.tidy_new(self)
			self.price()
		self.order_number = make_autoname(ORDER_SERIES)

	def validate(self):
		with answered():
			before = self.get_doc_before_save()
			states.ORDER.check(before.status if before else None, self.status)
			customers.tidy(self)
			order.check_type(self.order_type, self.delivery_address)
			if before:
				self.keep_or_price(before)
		if self.status in states.ORDER.final:
			self.estimated_time = 0

	def after_insert(self):
		customers.remember(self)

	def on_update(self):
		news.spread(self)

	def keep_or_price(self, before: "VoiceRestaurantOrder"):
		"""The prices of the day it was ordered stay, until the desk changes what was ordered."""
		keep(self, before, "order_number")
		if self.lines() != before.lines():
			self.price()
			return
		keep(self, before, "total_amount", "currency")
		for row, stored in zip(self.items, before.items, strict=True):
			keep(row, stored, "item_name", "unit_price", "total_price", "currency")

	def lines(self) -> list[tuple]:
		"""What was ordered, to see a change of it."""
		return [(row.menu_item, row.quantity, row.modifiers) for row in self.items]

	def price(self):
		"""Prices the lines from the menu; whatever they cost before is forgotten."""
		bill = order.price(
			menu.load(), order.read_lines([row.as_dict() for row in self.items]), self.extra_minutes()
		)
		currency = settings.currency()
		for row, line in zip(self.items, bill.lines, strict=True):
			row.update(
				{
					"menu_item": line.item.name,
					"item_name": line.item.title,
					"modifiers": "\n".join(line.modifiers),
					"unit_price": money.wire(line.unit_price),
					"total_price": money.wire(line.total),
					"currency": currency,
				}
			)
		self.total_amount = money.wire(bill.total)
		self.currency = currency
		self.estimated_time = bill.minutes

	def extra_minutes(self) -> int:
		return settings.delivery_minutes() if self.order_type == "Delivery" else 0


def on_doctype_update():
	"""The kitchen's board lists what is open, the oldest first."""
	frappe.db.add_index("Voice Restaurant Order", ["status", "creation"])
