import frappe

from business_workflows.api import appointment_logic, board_api, restaurant_logic, support_logic
from business_workflows.api.test_support_logic import category, ticket
from business_workflows.tests.business import at, booking, dish, order, service
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


class TestBoards(SiteTestCase):
	def test_one_tap_moves_an_order_on(self):
		item = dish()
		placed = restaurant_logic.place_order(
			**order(item, items=[{"menu_item": item, "quantity": 2, "modifiers": ["extra cheese"]}])
		)
		with acting_as(user_with("Voice Kitchen Staff")):
			card = next(c for c in board_api.kitchen()["orders"] if c["name"] == placed["name"])
			self.assertEqual((card["next"], card["items"][0]["modifiers"]), ("Confirmed", "extra cheese"))
			moved = board_api.advance_order(placed["name"], "Pending")
			self.assertEqual(moved, {"name": placed["name"], "status": "Confirmed", "moved": True})

	def test_two_taps_at_once_move_it_once(self):
		placed = restaurant_logic.place_order(**order(dish()))
		board_api.advance_order(placed["name"], "Pending")
		self.assertFalse(board_api.advance_order(placed["name"], "Pending")["moved"])

	def test_a_finished_order_moves_no_further(self):
		placed = restaurant_logic.place_order(**order(dish()))
		for status in ("Pending", "Confirmed", "Preparing", "Ready"):
			board_api.advance_order(placed["name"], status)
		with self.assertRaises(frappe.ValidationError):
			board_api.advance_order(placed["name"], "Completed")

	def test_a_day_shows_appointments_and_held_times(self):
		kind = service()
		booked = appointment_logic.book_appointment(**booking(kind, at("10:00")))
		appointment_logic.hold_slot(fresh("s"), kind, at("11:00"))
		with acting_as(user_with("Voice Front Desk")):
			day = board_api.day(at("10:00")[:10])
		self.assertIn(booked["name"], [row["name"] for row in day["appointments"]])
		self.assertIn(at("11:00"), [str(hold["start"]) for hold in day["holds"]])

	def test_a_ticket_is_taken_by_one(self):
		category()
		made = support_logic.create_ticket(**ticket())
		staff = user_with("Voice Support Staff")
		with acting_as(staff):
			self.assertIn(made["name"], [row["name"] for row in board_api.queue()["tickets"]])
			taken = board_api.take_ticket(made["name"])
		self.assertEqual((taken["status"], taken["assigned_to"]), ("In Progress", staff))

	def test_each_screen_is_for_its_people(self):
		placed = restaurant_logic.place_order(**order(dish()))
		with acting_as(user_with("Voice Support Staff")):
			for call in (board_api.kitchen, lambda: board_api.advance_order(placed["name"], "Pending")):
				with self.assertRaises(frappe.PermissionError):
					call()
		with acting_as(user_with("Voice Kitchen Staff")), self.assertRaises(frappe.PermissionError):
			board_api.queue()
