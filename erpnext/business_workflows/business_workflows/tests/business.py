"""A small business for each test: its own dish, its own service, so that tests never meet."""

import frappe
from frappe.utils import add_days, nowdate

from voice_agent.tests.case import fresh

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def dish(**fields) -> str:
	name = fresh("Dish")
	return (
		frappe.get_doc(
			{
				"doctype": "Restaurant Menu Item",
				"item_name": name,
				"price": 9.5,
				"preparation_time": 15,
				"aliases": f"alias of {name}",
				"modifiers": [{"modifier": "extra cheese", "price_change": 1.5}],
				**fields,
			}
		)
		.insert()
		.name
	)


def service(resources: int = 1, **fields) -> str:
	names = [
		frappe.get_doc({"doctype": "Appointment Resource", "resource_name": fresh("Chair")}).insert().name
		for _ in range(resources)
	]
	return (
		frappe.get_doc(
			{
				"doctype": "Appointment Service",
				"service_type": fresh("cut"),
				"service_name": fresh("Cut"),
				"price": 28,
				"duration": 30,
				"first_day": 1,
				"horizon": 60,
				"resources": [{"resource": name} for name in names],
				"opening_hours": [{"day": day, "opens": "09:00:00", "closes": "17:00:00"} for day in WEEK],
				**fields,
			}
		)
		.insert()
		.name
	)


def at(clock: str, days: int = 7) -> str:
	"""A time of day some days from now."""
	return f"{add_days(nowdate(), days)} {clock}:00"


def order(item: str, **fields) -> dict:
	"""The arguments of an order."""
	return {
		"idempotency_key": fresh("q"),
		"session_id": fresh("s"),
		"customer_name": "Ada",
		"order_type": "Pickup",
		"items": [{"menu_item": item, "quantity": 2}],
		**fields,
	}


def booking(service_type: str, start: str, **fields) -> dict:
	"""The arguments of a booking."""
	return {
		"idempotency_key": fresh("a"),
		"session_id": fresh("s"),
		"customer_name": "Ada",
		"service_type": service_type,
		"start": start,
		**fields,
	}
