"""The menu, read from its documents."""

import frappe

from business_workflows.domain import money
from business_workflows.domain.menu import Item, Menu
from voice_agent.domain.text import lines


def load() -> Menu:
	"""All items that are for sale or sold out, in the order of the menu."""
	modifiers: dict[str, dict[str, int]] = {}
	for row in frappe.get_all(
		"Menu Item Modifier",
		filters={"parenttype": "Restaurant Menu Item"},
		fields=["parent", "modifier", "price_change"],
		order_by="idx asc",
		limit=0,
	):
		modifiers.setdefault(row.parent, {})[row.modifier] = money.minor(row.price_change or 0) or 0
	return Menu(item_of(row, modifiers.get(row.name, {})) for row in rows())


def rows():
	"""The menu's documents, without their modifiers."""
	return frappe.get_all(
		"Restaurant Menu Item",
		fields=["name", "item_name", "category", "price", "available", "preparation_time", "aliases"],
		order_by="position asc, creation asc",
		limit=0,
	)


def item_of(row, modifiers: dict[str, int]) -> Item:
	"""A document of the menu as the rules need it."""
	return Item(
		name=row.name or row.item_name,
		title=row.item_name,
		price=money.minor(row.price or 0) or 0,
		preparation=row.preparation_time or 0,
		available=bool(row.available),
		aliases=tuple(lines(row.aliases)),
		modifiers=modifiers,
	)
