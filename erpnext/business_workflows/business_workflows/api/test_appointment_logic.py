import frappe
from frappe.utils import add_to_date, now_datetime

from business_workflows import calendar, exceptions
from business_workflows.api import appointment_logic as api
from business_workflows.tests.business import at, booking, service
from voice_agent.api import session_api
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


class TestAppointmentLogic(SiteTestCase):
	def refusal(self, exception=exceptions.SlotTaken, **arguments):
		"""The body of the answer to a booking that is refused."""
		frappe.local.response = frappe._dict()
		with self.assertRaises(exception) as raised:
			api.book_appointment(**arguments)
		self.assertIs(type(raised.exception), exception)
		self.assertTrue(frappe.local.response.say)
		return frappe.local.response

	def test_a_time_is_booked_once_for_each_key(self):
		command = booking(service(), at("10:00"))
		booked = api.book_appointment(**command)
		self.assertTrue(booked["created"])
		self.assertEqual((booked["start"], booked["end"]), (at("10:00"), at("10:30")))
		self.assertEqual({**booked, "created": False}, api.book_appointment(**command))

	def test_a_key_with_another_time_is_refused(self):
		command = booking(service(), at("10:00"))
		api.book_appointment(**command)
		self.refusal(exceptions.KeyReused, **{**command, "start": at("11:00")})

	def test_a_taken_time_is_refused_with_others(self):
		kind = service()
		api.book_appointment(**booking(kind, at("10:00")))
		body = self.refusal(**booking(kind, at("10:00")))
		self.assertEqual(body.reason, "taken")
		self.assertEqual(
			[slot["start"] for slot in body.alternatives], [at("10:30"), at("11:00"), at("11:30")]
		)

	def test_as_many_as_there_are_resources_are_booked(self):
		kind = service(resources=2)
		first, second = (api.book_appointment(**booking(kind, at("10:00"))) for _ in range(2))
		resources = {
			frappe.db.get_value("Voice Appointment", booked["name"], "resource") for booked in (first, second)
		}
		self.assertEqual(len(resources), 2)
		self.refusal(**booking(kind, at("10:00")))

	def test_a_time_that_cannot_be_is_refused_for_its_own_reason(self):
		kind = service(opening_hours=[{"day": "Monday", "opens": "09:00:00", "closes": "17:00:00"}])
		far = at("10:00", 400)
		for start, exception, reason in (
			("2020-01-01 10:00:00", exceptions.SlotTaken, "too_soon"),
			(far, exceptions.SlotTaken, "too_far"),
			(at("03:00"), exceptions.SlotTaken, "closed"),
			("2026-06-31 10:00:00", frappe.ValidationError, "invalid_date"),
			("2026-11-25T10:00:00Z", frappe.ValidationError, "time_zone"),
			("ten o'clock", frappe.ValidationError, "invalid_time"),
		):
			body = self.refusal(exception, **booking(kind, start))
			self.assertEqual(body.reason, reason, start)
			self.assertEqual(bool(body.alternatives), exception is exceptions.SlotTaken)

	def test_nothing_is_booked_on_a_holiday(self):
		kind, config = service(), frappe.get_doc("Voice Config", "Appointment")
		config.append("holidays", {"holiday_date": at("10:00", 9)[:10], "description": "Inventory"})
		config.save()
		self.assertEqual(self.refusal(**booking(kind, at("10:00", 9))).reason, "holiday")
		found = api.get_availability(fresh("s"), kind, date=at("10:00", 9)[:10])
		self.assertEqual((found["slots"], found["reason"]), ([], "holiday"))

	def test_offered_times_are_held_for_the_caller_alone(self):
		kind, mine, other = service(), fresh("s"), fresh("s")
		day = at("10:00")[:10]
		offered = api.get_availability(mine, kind, date=day, limit=2)
		self.assertEqual([slot["start"] for slot in offered["slots"]], [at("09:00"), at("09:30")])
		self.assertTrue(offered["held_until"])
		others = api.get_availability(other, kind, date=day, limit=1)
		self.assertEqual(others["slots"][0]["start"], at("10:00"))
		self.refusal(**booking(kind, at("09:00"), session_id=other))
		self.assertTrue(api.book_appointment(**booking(kind, at("09:00"), session_id=mine))["created"])

	def test_a_hold_ends_by_itself(self):
		kind, mine = service(), fresh("s")
		api.hold_slot(mine, kind, at("10:00"))
		frappe.db.set_value("Voice Slot Hold", mine, "expires_at", add_to_date(now_datetime(), seconds=-1))
		self.assertTrue(api.book_appointment(**booking(kind, at("10:00")))["created"])
		calendar.clean()

	def test_a_hold_ends_with_its_call(self):
		kind, mine = service(), fresh("s")
		session_api.start_session(mine)
		api.hold_slot(mine, kind, at("10:00"))
		session_api.end_session(mine)
		self.assertTrue(api.book_appointment(**booking(kind, at("10:00")))["created"])

	def test_a_hold_is_given_back(self):
		kind, mine = service(), fresh("s")
		api.hold_slot(mine, kind, at("10:00"))
		self.assertTrue(api.release_holds(mine)["released"])
		self.assertFalse(api.release_holds(mine)["released"])
		self.assertEqual(api.hold_slot(fresh("s"), kind, at("10:00"))["start"], at("10:00"))

	def test_a_held_time_is_not_held_twice(self):
		kind = service()
		api.hold_slot(fresh("s"), kind, at("10:00"))
		with self.assertRaises(exceptions.SlotTaken):
			api.hold_slot(fresh("s"), kind, at("10:00"))

	def test_a_cancelled_time_is_free_again(self):
		kind = service()
		booked = api.book_appointment(**booking(kind, at("10:00")))
		cancel = {"idempotency_key": fresh("c"), "session_id": fresh("s"), "appointment": booked["name"]}
		self.assertTrue(api.cancel_appointment(**cancel, reason="ill")["created"])
		self.assertFalse(api.cancel_appointment(**cancel)["created"])
		self.assertTrue(api.book_appointment(**booking(kind, at("10:00")))["created"])

	def test_the_desk_meets_the_same_calendar(self):
		kind = service()
		api.book_appointment(**booking(kind, at("10:00")))
		by_desk = {"doctype": "Voice Appointment", "customer_name": "Bob", "service_type": kind}
		with self.assertRaises(exceptions.SlotTaken):
			frappe.get_doc({**by_desk, "start": at("10:00")}).insert()
		moved = frappe.get_doc({**by_desk, "start": at("11:00")}).insert()
		moved.start = at("10:00")
		with self.assertRaises(exceptions.SlotTaken):
			moved.save()
		moved.reload()
		moved.start = at("12:00")
		moved.save()
		self.assertTrue(api.book_appointment(**booking(kind, at("11:00")))["created"])

	def test_what_the_calendar_knows_cannot_be_sent(self):
		kind = service()
		booked = api.book_appointment(**booking(kind, at("10:00")))
		document = frappe.get_doc("Voice Appointment", booked["name"])
		document.update({"busy_until": at("09:00"), "end": at("23:00"), "price": 0.01})
		document.save()
		document.reload()
		self.assertEqual((str(document.busy_until), document.price), (at("10:30"), 28.0))
		self.refusal(**booking(kind, at("10:00")))

	def test_an_unknown_service_is_answered_with_the_known_ones(self):
		kind = service()
		body = self.refusal(exceptions.UnknownService, **booking("nails", at("10:00")))
		self.assertIn(kind, body.services)

	def test_an_unknown_appointment_is_not_cancelled(self):
		with self.assertRaises(exceptions.UnknownDocument):
			api.cancel_appointment(fresh("c"), fresh("s"), "nothing")

	def test_the_machine_user_books_and_nobody_without_a_role_does(self):
		kind = service()
		with acting_as(user_with("Voice Gateway")):
			mine = fresh("s")
			api.get_availability(mine, kind)
			api.book_appointment(**booking(kind, at("10:00"), session_id=mine))
		with acting_as(user_with("Voice Agent Viewer")):
			for call in (
				api.get_services,
				lambda: api.get_availability(fresh("s"), kind),
				lambda: api.book_appointment(**booking(kind, at("11:00"))),
			):
				with self.assertRaises(frappe.PermissionError):
					call()
