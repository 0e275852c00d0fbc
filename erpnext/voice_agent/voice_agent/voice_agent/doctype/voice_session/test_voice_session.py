import frappe

from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


def record(**fields):
	return frappe.get_doc({"doctype": "Voice Session", "session_id": fresh("s"), **fields})


class TestVoiceSession(SiteTestCase):
	def test_it_is_named_by_its_session_id(self):
		session = record().insert()
		self.assertEqual(session.name, session.session_id)

	def test_a_session_id_is_taken_once(self):
		session = record().insert()
		with self.assertRaises(frappe.DuplicateEntryError):
			record(session_id=session.name).insert()

	def test_its_duration_is_computed_and_cannot_be_sent(self):
		session = record(
			start_time="2026-11-24 10:00:00", end_time="2026-11-24 10:01:30", duration=7
		).insert()
		self.assertEqual(session.duration, 90)

	def test_a_final_status_is_not_left(self):
		session = record(status="Completed").insert()
		session.status = "Active"
		with self.assertRaises(frappe.ValidationError):
			session.save()

	def test_an_end_before_the_start_is_refused(self):
		with self.assertRaises(frappe.ValidationError):
			record(start_time="2026-11-24 10:00:00", end_time="2026-11-24 09:00:00").insert()

	def test_a_time_with_a_zone_is_refused_before_the_database_sees_it(self):
		for start in ("2026-11-24T10:00:00Z", "2026-11-24 10:00:00+02:00", "soon"):
			with self.assertRaises(frappe.ValidationError):
				record(start_time=start).insert()

	def test_what_was_said_is_not_for_viewers(self):
		session = record(transcript="hello", interactions=[{"event_id": "e1", "tool": "getMenu"}]).insert()
		with acting_as(user_with("Voice Agent Viewer")):
			seen = frappe.get_doc("Voice Session", session.name)
			seen.apply_fieldlevel_read_permissions()
			self.assertFalse(seen.get("transcript"))
			self.assertFalse(seen.get("interactions"))

	def test_what_was_said_is_kept_when_the_gateway_writes_it(self):
		with acting_as(user_with("Voice Gateway")):
			session = record(transcript="hello", interactions=[{"event_id": "e1"}]).insert()
		session.reload()
		self.assertEqual(session.transcript, "hello")
		self.assertEqual(len(session.interactions), 1)

	def test_the_gateway_deletes_nothing(self):
		session = record().insert()
		with acting_as(user_with("Voice Gateway")), self.assertRaises(frappe.PermissionError):
			frappe.delete_doc("Voice Session", session.name)
