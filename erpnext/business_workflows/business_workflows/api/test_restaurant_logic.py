import frappe

from business_workflows import exceptions
from business_workflows.api import restaurant_logic as api
from business_workflows.tests.business import dish, order
from voice_agent.tests.case import SiteTestCase, acting_as, fresh, user_with


class TestRestaurantLogic(SiteTestCase):
	def refusal(self, exception, function, **arguments):
		"""The body of the answer to a call that is refused."""
		frappe.local.response = frappe._dict()
		with self.assertRaises(exception) as raised:
			function(**arguments)
		self.assertIs(type(raised.exception), exception)
		self.assertTrue(frappe.local.response.say)
		return frappe.local.response

	def test_an_order_has_the_menus_prices(self):
		item = dish()
		placed = api.place_order(**order(item, items=[{"menu_item": f"ALIAS OF {item}", "quantity": 2}]))
		self.assertEqual((placed["total_amount"], placed["estimated_time"]), (19.0, 15))
		self.assertEqual(placed["items"][0]["menu_item"], item)
		self.assertTrue(placed["created"] and placed["order_number"].startswith("VO-"))

	def test_an_order_said_twice_is_one_order(self):
		command = order(dish(), expected_total=19)
		first = api.place_order(**command)
		again = api.place_order(**{**command, "session_id": fresh("s")})
		self.assertEqual({**first, "created": False}, again)

	def test_a_key_with_another_order_is_refused(self):
		command = order(dish())
		api.place_order(**command)
		body = self.refusal(exceptions.KeyReused, api.place_order, **{**command, "customer_name": "Bob"})
		self.assertEqual(body.reason, "key_reused")

	def test_a_quote_makes_no_order(self):
		item, before = dish(), frappe.db.count("Voice Restaurant Order")
		lines = [{"menu_item": item, "quantity": 2, "modifiers": ["Extra Cheese"]}]
		quoted = api.quote_order(fresh("s"), lines)
		self.assertEqual((quoted["total_amount"], quoted["items"][0]["unit_price"]), (22.0, 11.0))
		self.assertEqual(frappe.db.count("Voice Restaurant Order"), before)

	def test_another_price_than_agreed_is_told(self):
		body = self.refusal(exceptions.QuoteChanged, api.place_order, **order(dish(), expected_total=1))
		self.assertEqual((body.total_amount, body.currency), (19.0, "GBP"))

	def test_what_is_not_on_the_menu_is_named(self):
		lines = [{"menu_item": dish(), "quantity": 1}, {"menu_item": "Soap", "quantity": 1}]
		body = self.refusal(exceptions.UnknownMenuItem, api.place_order, **order("", items=lines))
		self.assertEqual(body.unknown, ["Soap"])

	def test_what_is_sold_out_is_named(self):
		item = dish(available=0)
		body = self.refusal(exceptions.ItemUnavailable, api.place_order, **order(item))
		self.assertEqual(body.unavailable, [item])

	def test_a_quantity_that_is_none_is_refused(self):
		item = dish()
		for quantity in (0, -1, 1.5, 10**9, "two dozen"):
			lines = [{"menu_item": item, "quantity": quantity}]
			body = self.refusal(frappe.ValidationError, api.place_order, **order(item, items=lines))
			self.assertEqual(body.reason, "invalid_quantity")

	def test_a_delivery_needs_an_address_and_takes_longer(self):
		item = dish()
		body = self.refusal(frappe.ValidationError, api.place_order, **order(item, order_type="Delivery"))
		self.assertEqual(body.reason, "invalid_order")
		placed = api.place_order(**order(item, order_type="Delivery", delivery_address="1 Example Street"))
		self.assertEqual(placed["estimated_time"], 35)

	def test_a_name_of_400_characters_is_refused_and_markup_is_dropped(self):
		item = dish()
		body = self.refusal(frappe.ValidationError, api.place_order, **order(item, customer_name="x" * 400))
		self.assertEqual(body.reason, "invalid_text")
		placed = api.place_order(**order(item, customer_name='<b>Zoë "Z" O\'Brien</b> 🎉'))
		name = frappe.db.get_value("Voice Restaurant Order", placed["name"], "customer_name")
		self.assertEqual(name, 'Zoë "Z" O\'Brien 🎉')

	def test_a_number_is_stored_in_one_form_and_remembered(self):
		placed = api.place_order(**order(dish(), customer_phone="020 7946 0177"))
		phone = frappe.db.get_value("Voice Restaurant Order", placed["name"], "customer_phone")
		self.assertEqual(phone, "+442079460177")
		self.assertEqual(frappe.db.get_value("Voice Customer Profile", phone, "customer_name"), "Ada")

	def test_a_number_that_is_none_is_refused(self):
		body = self.refusal(
			frappe.exceptions.InvalidPhoneNumberError,
			api.place_order,
			**order(dish(), customer_phone="banana"),
		)
		self.assertEqual(body.reason, "invalid_phone")

	def test_an_order_is_found_by_its_number_and_by_its_name(self):
		placed = api.place_order(**order(dish()))
		self.assertEqual(api.order_status(placed["order_number"])["name"], placed["name"])
		self.assertEqual(api.order_status(placed["name"])["order_number"], placed["order_number"])
		self.refusal(exceptions.UnknownDocument, api.order_status, order="VO-0")

	def test_a_final_order_is_left_alone(self):
		placed = api.place_order(**order(dish()))
		document = frappe.get_doc("Voice Restaurant Order", placed["name"])
		document.status = "Completed"
		document.save()
		self.assertEqual(document.estimated_time, 0)
		document.status = "Preparing"
		with self.assertRaises(frappe.ValidationError):
			document.save()

	def test_a_price_that_is_sent_is_put_back_and_a_changed_order_is_priced_again(self):
		item = dish()
		placed = api.place_order(**order(item))
		document = frappe.get_doc("Voice Restaurant Order", placed["name"])
		document.update({"total_amount": 0.01, "currency": "XXX", "order_number": "VO-0"})
		document.items[0].update({"unit_price": 0.01, "total_price": 0.01})
		document.save()
		document.reload()
		self.assertEqual((document.total_amount, document.currency), (19.0, "GBP"))
		self.assertEqual((document.items[0].unit_price, document.order_number), (9.5, placed["order_number"]))
		document.items[0].quantity = 4
		document.save()
		self.assertEqual(document.total_amount, 38.0)

	def test_the_machine_user_does_not_change_an_order(self):
		placed = api.place_order(**order(dish()))
		document = frappe.get_doc("Voice Restaurant Order", placed["name"])
		with acting_as(user_with("Voice Gateway")), self.assertRaises(frappe.PermissionError):
			document.save()

	def test_an_order_of_the_desk_has_the_menus_prices_and_its_own_key(self):
		item = dish()
		document = frappe.get_doc(
			{
				"doctype": "Voice Restaurant Order",
				"customer_name": "Ada",
				"order_type": "Dine In",
				"total_amount": 0.01,
				"items": [{"menu_item": item, "quantity": 3, "unit_price": 0.01}],
			}
		).insert()
		self.assertEqual(document.total_amount, 28.5)
		self.assertTrue(document.name.startswith("desk-"))

	def test_the_menu_is_read_by_the_machine_user_and_by_nobody_without_a_role(self):
		item = dish()
		with acting_as(user_with("Voice Gateway")):
			found = next(row for row in api.get_menu()["items"] if row["menu_item"] == item)
			self.assertEqual((found["price"], found["available"]), (9.5, 1))
			api.place_order(**order(item))
		with acting_as(user_with("Voice Agent Viewer")):
			for call in (api.get_menu, lambda: api.place_order(**order(item))):
				with self.assertRaises(frappe.PermissionError):
					call()

	def test_two_dishes_are_not_called_alike(self):
		item = dish()
		with self.assertRaises(frappe.ValidationError):
			dish(aliases=f"Alias of {item}")
