from unittest.mock import patch

import frappe

from business_workflows import erpnext_link
from business_workflows.api import restaurant_logic
from business_workflows.tests.business import dish, order
from voice_agent.tests.case import SiteTestCase


class TestErpnextLink(SiteTestCase):
	def test_nothing_is_linked_unless_the_settings_ask_for_it(self):
		settings = frappe.get_doc("Business Workflow Settings")
		settings.link_to_erpnext = 0
		settings.save()
		with patch.object(erpnext_link, "_unlinked") as unlinked:
			erpnext_link.link_recent()
		self.assertFalse(unlinked.called)

	def linked(self, make):
		"""A new order after a run that makes its counterpart with `make`, and for nothing else."""
		name = restaurant_logic.place_order(**order(dish()))["name"]
		makers = {"Voice Restaurant Order": make}
		with (
			patch.object(erpnext_link, "is_wanted", return_value=True),
			patch.dict(erpnext_link._MAKERS, makers, clear=True),
			patch.object(erpnext_link, "_unlinked", return_value=[name]),
		):
			erpnext_link.link_recent()
		return frappe.get_doc("Voice Restaurant Order", name)

	def test_an_order_is_linked_to_what_was_made_for_it(self):
		made = frappe.get_doc("User", "Administrator")
		document = self.linked(lambda order: made)
		self.assertEqual((document.erpnext_doctype, document.erpnext_document), ("User", "Administrator"))

	def test_what_erpnext_refuses_stays_unlinked_and_stops_nothing(self):
		def refuse(order):
			frappe.throw("No company")

		self.assertIsNone(self.linked(refuse).erpnext_document)

	def test_an_order_whose_dishes_have_no_item_is_left_out(self):
		self.assertIsNone(self.linked(erpnext_link._sales_order).erpnext_document)
