"""What a real site answered keeps the contract with the gateway: names of keys, types of exceptions, statuses.

The answers were recorded in this order on a Frappe 15 site with the example business, by a user with the role Voice
Gateway and no other. Tracebacks and ids of exceptions are left out. The simulator and real sites are held to the same
answers by `cargo xtask test erpnext`.
"""

import json

import pytest

from lint import apps

RECORDED = json.loads((apps.ROOT.parent / "tests" / "contract" / "erpnext-answers.json").read_text())
CASES = {case["case"]: case for case in RECORDED["cases"]}

ORDER = "doctype name order_number status total_amount currency estimated_time"
BOOKED = "doctype name status service_name start end price currency created"
TICKET = "doctype name status category priority"


@pytest.mark.parametrize(
	("case", "keys"),
	[
		("get_menu", "currency items"),
		("place_order", f"{ORDER} items created"),
		("order_status", ORDER),
		("get_services", "services"),
		("quote_order", "session_id total_amount currency estimated_time items"),
		("hold_slot", "service_type service_name duration price currency start end held_until"),
		("release_holds", "session_id released"),
		("get_availability", "service_type service_name duration price currency slots held_until"),
		("book_appointment", BOOKED),
		("cancel_appointment", "doctype name status created"),
		("get_categories", "categories"),
		("create_ticket", f"{TICKET} created"),
		("ticket_status", TICKET),
		("get_business_info", "business_name phone address opening_hours services"),
		("take_message", "doctype name status created"),
	],
)
def test_an_answer_has_the_contracts_keys(case, keys):
	response = CASES[case]["response"]
	assert response["status"] == 200
	assert set(keys.split()) <= response["body"]["message"].keys()


@pytest.mark.parametrize("case", ["place_order", "book_appointment", "create_ticket", "take_message"])
def test_a_repeat_is_answered_like_the_first(case):
	first, again = (CASES[name]["response"]["body"]["message"] for name in (case, f"{case}_repeated"))
	assert first["created"] and again == {**first, "created": False}


@pytest.mark.parametrize(
	("case", "status", "exc_type", "key"),
	[
		("place_order_unknown_item", 417, "UnknownMenuItem", "unknown"),
		("place_order_sold_out", 417, "ItemUnavailable", "unavailable"),
		("place_order_quote_changed", 409, "QuoteChanged", "total_amount"),
		("get_availability_unknown_service", 417, "UnknownService", "services"),
		("book_appointment_taken", 409, "SlotTaken", "alternatives"),
		("order_status_unknown", 404, "UnknownDocument", "say"),
		("place_order_key_reused", 409, "KeyReused", "say"),
		("book_appointment_key_reused", 409, "KeyReused", "say"),
		("create_ticket_key_reused", 409, "KeyReused", "say"),
		("create_ticket_unknown_category", 417, "UnknownCategory", "categories"),
	],
)
def test_a_refusal_is_the_contracts(case, status, exc_type, key):
	response = CASES[case]["response"]
	assert (response["status"], response["body"]["exc_type"]) == (status, exc_type)
	assert response["body"][key]


@pytest.mark.parametrize(
	("case", "reason"),
	[
		("place_order_quantity_zero", "invalid_quantity"),
		("place_order_quantity_minus_one", "invalid_quantity"),
		("place_order_quantity_fraction", "invalid_quantity"),
		("place_order_quantity_billion", "invalid_quantity"),
		("place_order_quantity_words", "invalid_quantity"),
		("place_order_delivery_without_address", "invalid_order"),
		("place_order_name_of_400", "invalid_text"),
		("place_order_unknown_type", "invalid_order"),
		("create_ticket_unknown_priority", "invalid_priority"),
		("take_message_bad_phone", "invalid_phone"),
		("place_order_bad_phone", "invalid_phone"),
		("get_availability_bad_date", "invalid_date"),
		("book_appointment_past", "too_soon"),
		("book_appointment_closed", "closed"),
		("book_appointment_too_far", "too_far"),
		("book_appointment_no_such_day", "invalid_date"),
		("book_appointment_with_zone", "time_zone"),
		("book_appointment_words", "invalid_time"),
		("hold_slot_taken", "taken"),
	],
)
def test_bad_input_has_its_own_reason_and_a_sentence_to_say(case, reason):
	response = CASES[case]["response"]
	assert response["status"] in (409, 417)
	assert response["body"]["reason"] == reason
	assert response["body"]["say"].endswith((".", "?"))


def test_nothing_that_a_caller_says_is_a_fault_of_the_server():
	assert [name for name, case in CASES.items() if case["response"]["status"] >= 500] == []


def test_a_guest_is_told_nothing():
	response = CASES["place_order_by_guest"]["response"]
	assert (response["status"], response["body"]["exc_type"]) == (403, "PermissionError")
