"""What callers say: telephone numbers, names, keys, dates and times."""

from datetime import date, datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.domain import phone, text, when
from voice_agent.domain.digest import digest
from voice_agent.domain.refusal import (
	ClockChange,
	InvalidDate,
	InvalidKey,
	InvalidPhone,
	InvalidText,
	InvalidTime,
	TimeHasZone,
)


@pytest.mark.parametrize(
	("region", "said", "stored"),
	[
		("GB", "020 7946 0123", "+442079460123"),
		("US", "(212) 555-0123", "+12125550123"),
		("DE", "030/23125 000", "+493023125000"),
		("FR", "01 99 00 12 34", "+33199001234"),
		("IN", "098765 43210", "+919876543210"),
		("AU", "(02) 5550 1234", "+61255501234"),
		("GB", "0049 30 23125000", "+493023125000"),
		("US", "+44 (0)20 7946 0123", "+442079460123"),
		("GB", "it is 020 7946 0123", "+442079460123"),
	],
)
def test_a_number_is_stored_in_one_form_however_it_is_said(region, said, stored):
	assert phone.normalise(said, region) == stored


@pytest.mark.parametrize("said", ["", "banana", "12", "0" * 60, "+", "+44 20 7946 0123 0123 0123"])
def test_what_is_no_number_is_refused(said):
	with pytest.raises(InvalidPhone):
		phone.normalise(said, "GB")


@given(st.text(max_size=60))
def test_a_number_is_stored_or_refused_and_stays_as_it_is_stored(said):
	try:
		stored = phone.normalise(said, "GB")
	except InvalidPhone:
		return
	assert stored.startswith("+") and stored[1:].isdigit() and len(stored) <= 20
	assert phone.normalise(stored, "US") == stored


@pytest.mark.parametrize(
	("said", "stored"),
	[
		('  Ada   "the Countess"  Lovelace ', 'Ada "the Countess" Lovelace'),
		("O'Brien", "O'Brien"),
		("<b>Bob</b><script>alert(1)</script>", "Bobalert(1)"),
		("Zoë 🎉", "Zoë 🎉"),
		("李雷", "李雷"),
		("a\x00b\nc", "ab c"),
		("1 < 2", "1 2"),
	],
)
def test_a_name_is_plain_text_on_one_line(said, stored):
	assert text.name(said) == stored


@pytest.mark.parametrize("said", ["", "   ", "<br>", "x" * 141, "x" * 400])
def test_a_name_that_is_empty_or_too_long_is_refused(said):
	with pytest.raises(InvalidText):
		text.name(said)


@given(st.text())
def test_a_name_never_holds_markup_or_control_characters(said):
	try:
		stored = text.name(said)
	except InvalidText:
		return
	assert not set(stored) & set("<>\n\t\x00")
	assert 1 <= len(stored) <= 140
	assert text.name(stored) == stored


@pytest.mark.parametrize("key", ["q-01j", "s_abc", "A.b:c-1"])
def test_a_key_is_used_as_it_is(key):
	assert text.key(key) == key


@pytest.mark.parametrize("key", ["", " q", "q ", "-q", "q/1", "<q>", "q" * 141, "é", "q\n"])
def test_a_key_that_is_no_name_is_refused(key):
	with pytest.raises(InvalidKey):
		text.key(key)


def test_words_are_compared_without_case_accents_and_hyphens():
	assert text.said("  Crème-Brûlée ") == text.said("creme brulee")


def test_a_time_is_read_with_and_without_seconds():
	assert when.read_time("2026-11-24 10:30:00") == datetime(2026, 11, 24, 10, 30)
	assert when.read_time(" 2026-11-24 10:30 ") == datetime(2026, 11, 24, 10, 30)
	assert when.read_time("2026-11-24 10:30:00.123456") == datetime(2026, 11, 24, 10, 30)


@pytest.mark.parametrize(
	("said", "refusal"),
	[
		("2026-06-31 10:00:00", InvalidDate),
		("2026-02-29 10:00:00", InvalidDate),
		("2026-11-24 25:00:00", InvalidDate),
		("2026-11-24T10:00:00Z", TimeHasZone),
		("2026-11-24T10:00:00", TimeHasZone),
		("2026-11-24 10:00:00+02:00", TimeHasZone),
		("2026-11-24 10:00 CET", TimeHasZone),
		("tomorrow at ten", InvalidTime),
		("31 June", InvalidTime),
		("", InvalidTime),
		("２０２６-11-24 10:00:00", InvalidTime),
		("9" * 10_000, InvalidTime),
	],
)
def test_a_time_that_is_none_is_refused_for_its_own_reason(said, refusal):
	with pytest.raises(refusal):
		when.read_time(said)


def test_a_datetime_with_a_zone_is_refused():
	with pytest.raises(TimeHasZone):
		when.read_time(datetime(2026, 11, 24, tzinfo=timezone.utc))


@pytest.mark.parametrize("said", ["2026-06-31", "31 June", "2026-6-1", "20260601", "", "2026-06-01 10:00"])
def test_a_date_that_is_none_is_refused(said):
	with pytest.raises(InvalidDate):
		when.read_date(said)


@given(st.dates())
def test_every_date_is_read_back(day):
	assert when.read_date(day.isoformat()) == day


@given(st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0)))
def test_every_time_is_read_back(moment):
	assert when.read_time(when.write_time(moment)) == moment


@given(st.text())
def test_any_text_is_a_time_or_refused(said):
	try:
		when.read_time(said)
	except (InvalidTime, InvalidDate, TimeHasZone):
		pass


@pytest.mark.parametrize("moment", [datetime(2026, 3, 29, 1, 30), datetime(2026, 10, 25, 1, 30)])
def test_an_hour_that_the_clocks_skip_or_repeat_is_refused(moment):
	with pytest.raises(ClockChange):
		when.require_clear(moment, "Europe/London")
	when.require_clear(moment, "UTC")


def test_a_stamp_has_six_decimals_whatever_it_was():
	wanted = "2026-11-24 10:00:00.000000"
	assert when.write_stamp(datetime(2026, 11, 24, 10)) == wanted
	assert when.write_stamp("2026-11-24 10:00:00") == wanted
	assert when.write_stamp(wanted) == wanted


def test_a_digest_tells_commands_apart_and_knows_repeats():
	order = {"name": "Ada", "items": [{"menu_item": "Cola", "quantity": 1}], "phone": None}
	assert digest(order) == digest({**order, "phone": ""}) == digest(dict(reversed(order.items())))
	assert digest(order) != digest({**order, "name": "Bob"})
	assert digest(order) != digest({**order, "items": [{"menu_item": "Cola", "quantity": 2}]})
	assert digest({"day": date(2026, 1, 1)}) == digest({"day": "2026-01-01"})
