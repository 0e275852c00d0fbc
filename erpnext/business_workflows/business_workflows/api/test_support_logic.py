import frappe

from business_workflows import exceptions
from business_workflows.api import customer_logic, support_logic
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


def category(**fields):
	return (
		frappe.get_doc({"doctype": "Support Category", "category": fresh("Kind"), "position": 900, **fields})
		.insert()
		.name
	)


def ticket(**fields):
	return {
		"idempotency_key": fresh("t"),
		"session_id": fresh("s"),
		"customer_name": "Ada",
		"issue_description": "The pizza was cold.",
		**fields,
	}


class TestSupportLogic(SiteTestCase):
	def test_a_ticket_has_an_owner_and_a_promise_by_its_category(self):
		owner = user_with("Voice Support Staff")
		kind = category(assign_to=owner, default_priority="High", respond_minutes=60, resolve_hours=24)
		made = support_logic.create_ticket(**ticket(category=kind))
		self.assertEqual((made["category"], made["priority"], made["status"]), (kind, "High", "Open"))
		document = frappe.get_doc("Voice Support Ticket", made["name"])
		self.assertEqual(document.assigned_to, owner)
		self.assertEqual((document.resolve_by - document.respond_by).total_seconds(), 12 * 3600 - 30 * 60)

	def test_a_ticket_said_twice_is_one_ticket(self):
		category()
		command = ticket(priority="Urgent")
		self.assertTrue(support_logic.create_ticket(**command)["created"])
		self.assertFalse(support_logic.create_ticket(**command)["created"])
		with self.assertRaises(exceptions.KeyReused):
			support_logic.create_ticket(**{**command, "issue_description": "Another thing."})

	def test_an_unknown_category_or_priority_is_refused(self):
		with self.assertRaises(exceptions.UnknownCategory):
			support_logic.create_ticket(**ticket(category="Nonsense"))
		self.assertEqual(frappe.local.response.reason, "unknown_category")
		category()
		with self.assertRaises(frappe.ValidationError):
			support_logic.create_ticket(**ticket(priority="urgent!"))

	def test_a_status_is_told(self):
		category()
		made = support_logic.create_ticket(**ticket())
		self.assertEqual(support_logic.ticket_status(made["name"])["status"], "Open")
		with self.assertRaises(exceptions.UnknownDocument):
			support_logic.ticket_status("nothing")

	def test_a_message_is_kept_once(self):
		command = {
			"idempotency_key": fresh("m"),
			"session_id": fresh("s"),
			"customer_name": "Ada",
			"message": "Call me.",
			"callback": 1,
		}
		with acting_as(user_with("Voice Gateway")):
			self.assertTrue(customer_logic.take_message(**command)["created"])
			self.assertFalse(customer_logic.take_message(**command)["created"])

	def test_the_business_is_described(self):
		with acting_as(user_with("Voice Gateway")):
			info = customer_logic.get_business_info()
		self.assertEqual(info["opening_hours"][0]["day"], "Monday")
		self.assertIsInstance(info["services"], list)
