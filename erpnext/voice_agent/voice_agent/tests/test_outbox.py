import json
from unittest.mock import patch

import frappe
import requests

from voice_agent import outbox
from voice_agent.api import config_api
from voice_agent.domain import status_event
from voice_agent.tests.case import SiteTestCase, fresh

URL = "https://voice.example/webhook/order-update"


class TestOutbox(SiteTestCase):
	@classmethod
	def setUpClass(cls):
		super().setUpClass()
		config = frappe.get_doc("Voice Config", "General")
		config.update({"webhook_enabled": 1, "webhook_url": URL, "webhook_secret": "s3cret"})
		config.save()

	def announced(self):
		"""An event about a document that has all that an order has."""
		document = frappe.get_doc("Voice Config", "General")
		document.update({"status": "Ready", "session_id": fresh("s"), "order_number": "VO-0001"})
		document.modified = frappe.utils.now()
		outbox.announce(document, "General")
		return frappe.get_last_doc("Voice Status Event", {"session_id": document.session_id})

	def deliver(self, event, **answer):
		with patch.object(outbox.requests, "post", **answer) as post:
			outbox.deliver(event.name)
		event.reload()
		return post

	def answer(self, code):
		answer = requests.Response()
		answer.status_code = code
		return answer

	def test_news_is_sent_signed_to_the_gateway(self):
		event = self.announced()
		post = self.deliver(event, return_value=self.answer(204))
		(url,), sent = post.call_args
		self.assertEqual(url, URL)
		self.assertFalse(sent["allow_redirects"])
		signature = sent["headers"][status_event.SIGNATURE_HEADER]
		self.assertEqual(signature, status_event.sign("s3cret", sent["data"]))
		body = json.loads(sent["data"])
		self.assertEqual((body["event_id"], body["status"]), (event.event_id, "Ready"))
		self.assertIsNone(body["estimated_time"])
		self.assertEqual((event.state, event.tries), ("Delivered", 1))

	def test_what_is_delivered_is_not_sent_again(self):
		event = self.announced()
		self.deliver(event, return_value=self.answer(200))
		self.assertFalse(self.deliver(event, return_value=self.answer(200)).called)

	def test_what_is_refused_or_lost_is_tried_again_later(self):
		for failure in (
			{"return_value": self.answer(503)},
			{"return_value": self.answer(302)},
			{"side_effect": requests.ConnectTimeout()},
		):
			event = self.announced()
			self.deliver(event, **failure)
			self.assertEqual((event.state, event.tries), ("Pending", 1))
			self.assertGreater(event.next_try, frappe.utils.now_datetime())

	def test_the_scheduler_takes_up_what_is_due(self):
		event = self.announced()
		event.db_set("next_try", frappe.utils.add_to_date(None, minutes=-1))
		with patch.object(outbox, "_enqueue") as enqueue:
			outbox.resume()
		self.assertIn(event.name, [call.args[0] for call in enqueue.call_args_list])

	def test_it_is_given_up_in_the_end(self):
		event = self.announced()
		event.db_set("tries", status_event.MAX_TRIES - 1)
		self.deliver(event, return_value=self.answer(503))
		self.assertEqual(event.state, "Lost")

	def test_nobody_listens_where_it_is_switched_off(self):
		before = frappe.db.count("Voice Status Event")
		outbox.announce(frappe.get_doc("Voice Config", "General"), "Support")
		self.assertEqual(frappe.db.count("Voice Status Event"), before)

	def test_a_test_event_tells_what_the_gateway_answered(self):
		with patch.object(outbox.requests, "post", return_value=self.answer(401)) as post:
			self.assertEqual(config_api.send_test("General"), {"answer": 401, "delivered": False})
		self.assertEqual(json.loads(post.call_args.kwargs["data"])["event"], status_event.TEST)
