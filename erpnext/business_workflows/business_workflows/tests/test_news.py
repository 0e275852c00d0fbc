from unittest.mock import patch

import frappe

from business_workflows import news
from business_workflows.api import board_api, restaurant_logic
from business_workflows.tests.business import dish, order
from voice_agent import outbox
from voice_agent.api import privacy_api
from voice_agent.tests.case import SiteTestCase


class TestNews(SiteTestCase):
	def test_staff_hear_of_a_new_order_after_the_commit_in_its_room_and_learn_no_name(self):
		with (
			patch.object(news.frappe, "publish_realtime") as publish,
			patch.object(outbox, "announce") as send,
		):
			placed = restaurant_logic.place_order(**order(dish()))
		(call,) = [call for call in publish.call_args_list if call.args[0] == "voice_board"]
		self.assertEqual(call.kwargs, {"room": "doctype:Voice Restaurant Order", "after_commit": True})
		self.assertEqual(
			call.args[1],
			{
				"doctype": "Voice Restaurant Order",
				"name": placed["name"],
				"status": "Pending",
				"is_new": True,
			},
		)
		self.assertFalse(send.called, "the caller knows of the order that they just made")

	def test_the_caller_hears_of_each_new_status(self):
		placed = restaurant_logic.place_order(**order(dish()))
		with patch.object(outbox, "announce") as send:
			board_api.advance_order(placed["name"], "Pending")
			document = frappe.get_doc("Voice Restaurant Order", placed["name"])
			document.special_instructions = "No onions."
			document.save()
		self.assertEqual(send.call_count, 1)
		self.assertEqual(send.call_args.args[1], "Restaurant")

	def test_an_erased_order_keeps_its_total(self):
		placed = restaurant_logic.place_order(**order(dish(), customer_phone="+442079460188"))
		self.assertEqual(privacy_api.erase_person("+442079460188")["cleared"]["Voice Restaurant Order"], 1)
		document = frappe.get_doc("Voice Restaurant Order", placed["name"])
		self.assertEqual((document.customer_name, document.customer_phone), ("–", None))
		self.assertEqual(document.total_amount, 19.0)
