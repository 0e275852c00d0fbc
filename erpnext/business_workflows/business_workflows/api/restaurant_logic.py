"""Orders, for the voice agent's gateway: the menu, a quote, an order, its status.

Trust: a caller is a user with the role Voice Gateway, never a visitor. Prices, numbers and times are made here; what a
client sends as a price is only compared. An order is named by its idempotency key.
"""

from typing import Any

import frappe

from business_workflows import commands, menu, settings
from business_workflows.domain import money, order
from business_workflows.domain.order import Bill
from voice_agent.refusals import answered

_DOCTYPE = "Voice Restaurant Order"
_STATUS = ("doctype", "name", "order_number", "status", "total_amount", "currency", "estimated_time")


@frappe.whitelist(methods=["POST"])
def get_menu() -> dict[str, Any]:
	"""All items, sold out or not, in the order of the menu."""
	frappe.has_permission(_DOCTYPE, "read", throw=True)
	items, categories = menu.load().items, {row.name: row.category for row in menu.rows()}
	return {
		"currency": settings.currency(),
		"items": [
			{
				"menu_item": item.name,
				"item_name": item.title,
				"aliases": list(item.aliases),
				"category": categories.get(item.name),
				"price": money.wire(item.price),
				"available": int(item.available),
				"preparation_time": item.preparation,
				"modifiers": [
					{"modifier": name, "price_change": money.wire(change)}
					for name, change in item.modifiers.items()
				],
			}
			for item in items
		],
	}


@frappe.whitelist(methods=["POST"])
def quote_order(
	session_id: str,
	items: list[dict],
	order_type: str = "Pickup",
	delivery_address: str | None = None,
) -> dict[str, Any]:
	"""Prices and checks an order without placing it."""
	frappe.has_permission(_DOCTYPE, "create", throw=True)
	with answered():
		order.check_type(order_type, delivery_address)
		bill = _price(items, order_type)
	return {
		"session_id": session_id,
		"total_amount": money.wire(bill.total),
		"currency": settings.currency(),
		"estimated_time": bill.minutes,
		"items": [
			{
				"menu_item": line.item.name,
				"item_name": line.item.title,
				"quantity": line.quantity,
				"unit_price": money.wire(line.unit_price),
				"total_price": money.wire(line.total),
				"modifiers": list(line.modifiers),
			}
			for line in bill.lines
		],
	}


@frappe.whitelist(methods=["POST"])
def place_order(
	idempotency_key: str,
	session_id: str,
	customer_name: str,
	order_type: str,
	items: list[dict],
	customer_phone: str | None = None,
	delivery_address: str | None = None,
	special_instructions: str | None = None,
	expected_total: float | int | None = None,
) -> dict[str, Any]:
	"""Places an order, once for each key. With `expected_total` only at the price that the caller agreed to."""
	details = {
		"customer_name": customer_name,
		"customer_phone": customer_phone,
		"order_type": order_type,
		"delivery_address": delivery_address,
		"special_instructions": special_instructions,
	}
	frappe.has_permission(_DOCTYPE, "create", throw=True)
	with answered():
		order.check_type(order_type, delivery_address)
		if not frappe.db.exists(_DOCTYPE, idempotency_key):
			_price(items, order_type).require(expected_total, settings.currency())
		document, created = commands.once(
			_DOCTYPE,
			idempotency_key,
			{**details, "items": items},
			{**details, "session_id": session_id, "items": _rows(items)},
		)
	placed = commands.answer(document, *_STATUS)
	placed["items"] = [
		commands.answer(row, "menu_item", "item_name", "quantity", "unit_price", "total_price")
		for row in document.items
	]
	return {**placed, "created": created}


@frappe.whitelist(methods=["POST"])
def order_status(order: str) -> dict[str, Any]:
	"""Where an order is, by its name or by the number that the caller was told."""
	with answered():
		return commands.answer(commands.look_up(_DOCTYPE, order, "order_number"), *_STATUS)


def _price(items: list[dict], order_type: str) -> Bill:
	extra = settings.delivery_minutes() if order_type == "Delivery" else 0
	return order.price(menu.load(), order.read_lines(items), extra)


def _rows(items: list[dict]) -> list[dict[str, Any]]:
	"""The lines as rows of the document, by the names of the menu: a link to an alias leads nowhere."""
	by_name = menu.load()
	found = [(line, by_name.find(line.wanted)) for line in order.read_lines(items)]
	return [
		{
			"menu_item": item.name if item else line.wanted,
			"quantity": line.quantity,
			"modifiers": "\n".join(line.modifiers),
			"special_instructions": line.instructions,
		}
		for line, item in found
	]
