"""Orders: what is on the menu, what it costs, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from business_workflows.domain import money, order, states
from business_workflows.domain.menu import AmbiguousAlias, Item, Menu, check_words
from business_workflows.domain.refusal import (
	InvalidOrder,
	InvalidQuantity,
	InvalidStatus,
	ItemUnavailable,
	QuoteChanged,
	UnknownMenuItem,
	UnknownModifier,
)

PIZZA = Item(
	"Margherita pizza",
	"Margherita pizza",
	950,
	15,
	aliases=("margherita", "cheese pizza"),
	modifiers={"extra cheese": 150, "no cheese": -100},
)
COLA = Item("Cola", "Cola", 250, 1, aliases=("coke",))
CALZONE = Item("Calzone", "Calzone", 1200, 20, available=False)
MENU = Menu([PIZZA, COLA, CALZONE])


def line(menu_item, quantity=1, **more):
	return {"menu_item": menu_item, "quantity": quantity, **more}


def bill(*lines, extra=0):
	return order.price(MENU, order.read_lines(list(lines)), extra)


def test_a_bill_is_the_sum_of_the_menus_prices():
	made = bill(line("margherita PIZZA", 2, unit_price=0.01), line("coke", 3))
	assert (made.total, made.minutes) == (2 * 950 + 3 * 250, 15)
	assert [priced.item.name for priced in made.lines] == ["Margherita pizza", "Cola"]


def test_the_road_takes_time_after_the_kitchen():
	assert bill(line("Cola"), extra=20).minutes == 21


def test_modifiers_change_the_price_of_each_piece():
	made = bill(
		line("margherita", 2, modifiers=["Extra Cheese"]), line("margherita", modifiers="no cheese\n")
	)
	assert [priced.total for priced in made.lines] == [2 * 1100, 850]
	assert made.lines[0].modifiers == ("extra cheese",)


def test_an_unknown_modifier_is_refused_with_those_that_there_are():
	with pytest.raises(UnknownModifier) as refused:
		bill(line("margherita", modifiers=["gold leaf"]))
	assert refused.value.details == {"modifiers": ["extra cheese", "no cheese"]}


def test_what_is_not_on_the_menu_refuses_the_whole_order():
	with pytest.raises(UnknownMenuItem) as refused:
		bill(line("Cola"), line("Sushi"), line("Soap"))
	assert refused.value.details == {"unknown": ["Sushi", "Soap"]}


def test_what_is_sold_out_refuses_the_whole_order():
	with pytest.raises(ItemUnavailable) as refused:
		bill(line("Cola"), line("calzone"))
	assert refused.value.details == {"unavailable": ["Calzone"]}


@pytest.mark.parametrize(
	"quantity",
	[0, -1, 1.5, 51, 10**9, "two dozen", "2", "", None, True, [1], {"n": 1}, float("nan"), float("inf")],
)
def test_a_quantity_is_a_whole_number_from_1_to_50(quantity):
	with pytest.raises(InvalidQuantity):
		bill(line("Cola", quantity))


@pytest.mark.parametrize("quantity", [1, 50, 2.0])
def test_a_whole_number_of_pieces_is_taken(quantity):
	assert bill(line("Cola", quantity)).lines[0].quantity == int(quantity)


@pytest.mark.parametrize(
	"lines",
	[
		[],
		[line("Cola")] * 51,
		[{}],
		[line("  ")],
		[line(7)],
		[line("Cola", modifiers=[1])],
		[line("Cola", modifiers=7)],
	],
)
def test_lines_that_are_none_are_refused(lines):
	with pytest.raises(InvalidOrder):
		order.read_lines(lines)


def test_a_total_that_differs_is_told_and_nothing_is_ordered():
	made = bill(line("Cola", 2))
	made.require(None, "GBP")
	made.require(5, "GBP")
	made.require(5.0, "GBP")
	with pytest.raises(QuoteChanged) as refused:
		made.require(4.99, "GBP")
	assert refused.value.details == {"total_amount": 5.0, "currency": "GBP"}
	for nonsense in (float("nan"), float("inf"), 1e300, -5):
		with pytest.raises(QuoteChanged):
			made.require(nonsense, "GBP")


@pytest.mark.parametrize("address", [None, "", "  "])
def test_a_delivery_needs_an_address(address):
	with pytest.raises(InvalidOrder):
		order.check_type("Delivery", address)
	order.check_type("Pickup", address)


@given(
	st.lists(st.tuples(st.sampled_from(["Cola", "margherita"]), st.integers(1, 50)), min_size=1, max_size=50)
)
def test_every_bill_adds_up_to_the_penny(wanted):
	made = bill(*(line(name, quantity) for name, quantity in wanted))
	assert made.total == sum({"Cola": 250, "margherita": 950}[name] * quantity for name, quantity in wanted)
	made.require(money.wire(made.total), "GBP")


@given(st.integers(-money.MAX_MINOR, money.MAX_MINOR))
def test_every_amount_survives_the_wire(amount):
	assert money.minor(money.wire(amount)) == amount


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), 1e12, "much", True])
def test_what_is_no_amount_is_none(amount):
	assert money.minor(amount) is None


def test_amounts_are_read_from_decimals_and_text():
	assert money.minor(Decimal("9.505")) == 951
	assert money.minor("9.50") == 950


@given(st.text(max_size=30))
def test_a_name_finds_its_item_in_any_case(words):
	found = MENU.find(words)
	assert found is None or found is MENU.find(words.upper().lower())


def test_two_dishes_of_one_name_are_a_mistake_of_the_menu():
	with pytest.raises(AmbiguousAlias):
		check_words(Item("Pepsi", "Pepsi", 200, 1, aliases=("COKE",)), [PIZZA, COLA])
	check_words(Item("Pepsi", "Pepsi", 200, 1), [PIZZA, COLA])


def test_a_name_wins_over_anothers_alias():
	menu = Menu([Item("A", "A", 1, 1, aliases=("b",)), Item("B", "B", 2, 1)])
	assert menu.find("b").name == "B"


@pytest.mark.parametrize("life", [states.ORDER, states.APPOINTMENT, states.TICKET, states.MESSAGE])
def test_what_is_over_stays_over_and_the_rest_moves_freely(life):
	assert life.final < set(life.statuses)
	for old in life.statuses:
		life.check(None, old)
		for new in life.statuses:
			if old in life.final and new != old:
				with pytest.raises(InvalidStatus):
					life.check(old, new)
			else:
				life.check(old, new)


@pytest.mark.parametrize("order_type", order.TYPES)
def test_taps_lead_every_order_to_its_end(order_type):
	status, seen = states.ORDER.statuses[0], []
	while status:
		seen.append(status)
		status = states.next_in_kitchen(status, order_type)
	assert seen[-1] == "Completed"
	assert ("Out for Delivery" in seen) == (order_type == "Delivery")


def test_a_cancelled_order_has_no_next_step():
	assert states.next_in_kitchen("Cancelled", "Pickup") is None


@pytest.mark.parametrize("order_type", ["Drone", "pickup", "Delivery "])
def test_an_order_leaves_in_one_of_three_ways(order_type):
	with pytest.raises(InvalidOrder):
		order.check_type(order_type, "2 Example Street")
	order.check_type(None, None)
