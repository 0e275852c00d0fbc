import frappe

from voice_agent.api import session_api
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


class TestSessionApi(SiteTestCase):
	def test_a_session_begins_once(self):
		name = fresh("s")
		with acting_as(user_with("Voice Gateway")):
			self.assertEqual(session_api.start_session(name), {"session": name, "created": True})
			self.assertEqual(session_api.start_session(name), {"session": name, "created": False})

	def test_a_step_of_the_call_is_added_once(self):
		name = fresh("s")
		with acting_as(user_with("Voice Gateway")):
			session_api.start_session(name)
			step = {"session_id": name, "event_id": "e1", "tool": "placeOrder", "parameters": {"items": 2}}
			self.assertTrue(session_api.add_interaction(**step)["created"])
			self.assertFalse(session_api.add_interaction(**step)["created"])
		self.assertEqual(len(frappe.get_doc("Voice Session", name).interactions), 1)

	def test_a_session_ends_once(self):
		name = fresh("s")
		with acting_as(user_with("Voice Gateway")):
			session_api.start_session(name)
			self.assertEqual(session_api.end_session(name, "abandoned")["status"], "Failed")
			self.assertEqual(session_api.end_session(name, "completed")["status"], "Failed")

	def test_an_unknown_state_is_refused(self):
		name = fresh("s")
		session_api.start_session(name)
		with self.assertRaises(frappe.ValidationError):
			session_api.end_session(name, "Completed")

	def test_who_has_no_role_records_nothing(self):
		with acting_as(user_with("Voice Agent Viewer")), self.assertRaises(frappe.PermissionError):
			session_api.start_session(fresh("s"))
