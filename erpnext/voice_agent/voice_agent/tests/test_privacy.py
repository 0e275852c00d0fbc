import frappe
from frappe.utils import add_days, now_datetime

from voice_agent import privacy, sessions
from voice_agent.api import privacy_api
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


class TestPrivacy(SiteTestCase):
	def call(self, phone="+442079460123", **fields):
		return frappe.get_doc(
			{
				"doctype": "Voice Session",
				"session_id": fresh("s"),
				"customer_name": "Ada",
				"customer_phone": phone,
				"transcript": "hello",
				"interactions": [{"event_id": "e1", "tool": "getMenu"}],
				"status": "Completed",
				**fields,
			}
		).insert()

	def test_a_person_gets_all_that_is_known_of_them_and_of_nobody_else(self):
		mine, other = self.call("+442079460111"), self.call("+442079460112")
		found = privacy_api.export_person("+44 20 7946 0111")["documents"]["Voice Session"]
		names = [document["name"] for document in found]
		self.assertIn(mine.name, names)
		self.assertNotIn(other.name, names)

	def test_an_erased_call_still_counts_but_tells_nothing(self):
		call = self.call("+442079460113")
		self.assertEqual(privacy_api.erase_person("+442079460113")["cleared"]["Voice Session"], 1)
		call.reload()
		self.assertEqual((call.status, call.personal_data_cleared), ("Completed", 1))
		self.assertFalse(call.customer_name or call.customer_phone or call.transcript or call.interactions)
		self.assertEqual(privacy_api.erase_person("+442079460113")["cleared"]["Voice Session"], 0)

	def test_a_number_without_its_country_is_refused(self):
		with self.assertRaises(frappe.ValidationError):
			privacy_api.erase_person("020 7946 0123")

	def test_only_a_manager_may_ask(self):
		for role in ("Voice Gateway", "Voice Agent Viewer"):
			with acting_as(user_with(role)):
				for ask in (privacy_api.export_person, privacy_api.erase_person):
					with self.assertRaises(frappe.PermissionError):
						ask("+442079460123")

	def test_what_was_said_is_cleared_with_age(self):
		old, new, live = self.call(), self.call(), self.call(status="Active")
		for call in (old, live):
			call.db_set("creation", add_days(now_datetime(), -91))
		privacy.clear_aged()
		self.assertFalse(frappe.db.get_value("Voice Session", old.name, "transcript"))
		self.assertTrue(frappe.db.get_value("Voice Session", new.name, "transcript"))
		self.assertTrue(frappe.db.get_value("Voice Session", live.name, "transcript"))

	def test_a_record_that_nobody_ended_is_ended(self):
		call = self.call(status="Active")
		call.db_set("modified", add_days(now_datetime(), -2), update_modified=False)
		sessions.close_stale()
		self.assertEqual(frappe.db.get_value("Voice Session", call.name, "status"), "Failed")
