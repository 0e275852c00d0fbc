"""Orders: reading the lines that a caller wants, and what they cost.

What is not on the menu, or sold out, refuses the whole order; nothing is dropped from it. A price that a client sends
is only compared, never used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from business_workflows.domain import money
from business_workflows.domain.menu import Item, Menu
from business_workflows.domain.refusal import (
	InvalidOrder,
	InvalidQuantity,
	ItemUnavailable,
	QuoteChanged,
	UnknownMenuItem,
	UnknownModifier,
)
from voice_agent.domain import text

#: The most lines of an order, and the most pieces of one line: more is a catering request for a human.
MAX_LINES = 50
MAX_QUANTITY = 50

TYPES = ("Pickup", "Delivery", "Dine In")


@dataclass(frozen=True)
class Line:
	"""One line as it was asked for."""

	wanted: str
	quantity: int
	instructions: str | None
	modifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class PricedLine:
	"""One line with the menu's price, in minor units."""

	item: Item
	quantity: int
	unit_price: int
	instructions: str | None
	modifiers: tuple[str, ...]

	@property
	def total(self) -> int:
		return self.unit_price * self.quantity


@dataclass(frozen=True)
class Bill:
	"""A priced order. Total in minor units, time in minutes."""

	lines: tuple[PricedLine, ...]
	total: int
	minutes: int

	def require(self, expected: float | int | None, currency: str) -> None:
		"""Refuses a total that differs from the one the caller agreed to."""
		if expected is not None and money.minor(expected) != self.total:
			raise QuoteChanged(
				"The price has changed. Nothing was ordered.",
				total_amount=money.wire(self.total),
				currency=currency,
			)


def read_quantity(given: Any, wanted: str) -> int:
	"""A whole number from 1 to 50. A float is one only if it has no fraction; words are for the agent to turn into
	numbers."""
	whole = given
	if isinstance(given, float) and given.is_integer():
		whole = int(given)
	if isinstance(whole, bool) or not isinstance(whole, int) or not 1 <= whole <= MAX_QUANTITY:
		raise InvalidQuantity(f"How many {wanted}? I can take 1 to {MAX_QUANTITY} of one thing.")
	return whole


def read_lines(items: Sequence[Mapping[str, Any]]) -> list[Line]:
	"""The lines of an order."""
	if not 1 <= len(items) <= MAX_LINES:
		raise InvalidOrder(f"An order has 1 to {MAX_LINES} lines.")
	return [_read_line(line) for line in items]


def _read_line(line: Mapping[str, Any]) -> Line:
	wanted = line.get("menu_item")
	if not isinstance(wanted, str) or not wanted.strip():
		raise InvalidOrder("Each line of an order names a menu_item.")
	wanted = text.name(wanted, "dish")
	instructions = line.get("special_instructions")
	modifiers = line.get("modifiers") or ()
	# A form of the desk has one wish a line; a caller's program sends a list.
	if isinstance(modifiers, str):
		modifiers = text.lines(modifiers)
	if not isinstance(modifiers, list | tuple) or not all(isinstance(wish, str) for wish in modifiers):
		raise InvalidOrder("The modifiers of a line are a list of names.")
	return Line(
		wanted,
		read_quantity(line.get("quantity"), wanted),
		text.prose(instructions, "instructions")
		if isinstance(instructions, str) and instructions.strip()
		else None,
		tuple(modifiers),
	)


def price(menu: Menu, lines: Sequence[Line], extra_minutes: int = 0) -> Bill:
	"""The bill at the menu's prices. `extra_minutes` are spent after the kitchen, on the road."""
	found = [(line, menu.find(line.wanted)) for line in lines]
	unknown = [line.wanted for line, item in found if item is None]
	if unknown:
		raise UnknownMenuItem(f"Not on the menu: {', '.join(unknown)}.", unknown=unknown)
	sold_out = [item.name for _, item in found if item and not item.available]
	if sold_out:
		raise ItemUnavailable(f"Not available now: {', '.join(sold_out)}.", unavailable=sold_out)
	priced = tuple(_price_line(line, item) for line, item in found if item)
	total = sum(line.total for line in priced)
	if total < 0:
		raise InvalidOrder("That order has no price. Somebody from the kitchen should look at it.")
	return Bill(priced, total, max(line.item.preparation for line in priced) + extra_minutes)


def _price_line(line: Line, item: Item) -> PricedLine:
	modifiers = []
	for wish in line.modifiers:
		modifier = item.modifier(wish)
		if modifier is None:
			raise UnknownModifier(
				f"{item.title} cannot be had with {text.name(wish, 'wish')}.",
				modifiers=sorted(item.modifiers),
			)
		modifiers.append(modifier)
	unit = item.price + sum(item.modifiers[modifier] for modifier in modifiers)
	return PricedLine(item, line.quantity, unit, line.instructions, tuple(modifiers))


def check_type(order_type: str | None, address: str | None) -> None:
	"""One of the ways in which an order leaves the kitchen; a delivery needs to know where to. What is not given is left
	for the field's own check."""
	if order_type and order_type not in TYPES:
		raise InvalidOrder("Is it for pickup, for delivery, or to eat in?")
	if order_type == "Delivery" and not (address or "").strip():
		raise InvalidOrder("A delivery needs an address.")
