"""The record of a call: its life, its counts, how long it is kept, and the news of its documents."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.domain import retention, session, status_event, tally
from voice_agent.domain.opening import Hours, InvalidHours
from voice_agent.domain.refusal import EndBeforeStart, SessionIsOver
from voice_agent.domain.status_event import StatusEvent
from voice_agent.domain.tally import Call

NOON = datetime(2026, 11, 24, 12)


@pytest.mark.parametrize("old", session.STATUSES)
@pytest.mark.parametrize("new", session.STATUSES)
def test_only_a_final_status_is_never_left(old, new):
	if old in session.FINAL and new != old:
		with pytest.raises(SessionIsOver):
			session.check_change(old, new)
	else:
		session.check_change(old, new)


@pytest.mark.parametrize("status", session.STATUSES)
def test_a_record_may_begin_with_any_status(status):
	session.check_change(None, status)


def test_the_gateways_seven_states_are_three_statuses():
	of = session.status_of
	assert {of(state) for state in ("initializing", "ready", "active", "ending")} == {"Active"}
	assert of("completed") == "Completed"
	assert of("failed") == of("abandoned") == "Failed"
	with pytest.raises(session.UnknownState):
		of("Completed")


def test_a_duration_is_counted_when_both_ends_are_known():
	assert session.duration(NOON, NOON + timedelta(seconds=90, microseconds=9)) == 90
	assert session.duration(NOON, None) == session.duration(None, NOON) == 0
	with pytest.raises(EndBeforeStart):
		session.duration(NOON, NOON - timedelta(seconds=1))


def event(**changes):
	fields = {
		"doctype": "Voice Restaurant Order",
		"name": "q-1",
		"status": "Ready",
		"session_id": "s_1",
		"modified": "2026-11-24 10:00:00.000000",
		"order_number": "VO-0001",
		"estimated_time": 5,
	}
	return StatusEvent(**{**fields, **changes})


def test_the_body_is_the_contracts_to_the_byte():
	assert event().body(datetime(2026, 11, 24, 10, 0, 1)) == (
		b'{"event": "voice_document.updated", '
		b'"event_id": "Voice Restaurant Order:q-1:2026-11-24 10:00:00.000000", '
		b'"doctype": "Voice Restaurant Order", "name": "q-1", "order_number": "VO-0001", '
		b'"status": "Ready", "session_id": "s_1", "estimated_time": 5, '
		b'"modified": "2026-11-24 10:00:00.000000", "sent_at": "2026-11-24 10:00:01"}'
	)


def test_the_signature_is_the_one_that_a_real_site_made():
	body = (
		b'{"event": "voice_session.updated", "name": "s-3", "status": "Completed", '
		b'"modified": "2026-11-22 06:07:36.789584", "note": "caf\\u00e9"}'
	)
	assert len(body) == 135
	assert status_event.sign("whsecret", body) == "K9y8pckFitt1UlVMOfYBrPqtuCo7F4kDBARDa7zUgq8="
	assert status_event.sign("whsecreT", body) != status_event.sign("whsecret", body)


def test_the_same_status_sent_again_has_the_same_id_but_another_signature():
	first, second = event().body(NOON), event().body(NOON + timedelta(seconds=1))
	assert event().event_id.encode() in first and event().event_id.encode() in second
	assert status_event.sign("secret", first) != status_event.sign("secret", second)


@pytest.mark.parametrize(
	("code", "taken"), [(200, True), (204, True), (302, False), (401, False), (503, False)]
)
def test_only_a_success_counts_as_delivered(code, taken):
	assert status_event.delivered(code) is taken


def test_news_is_tried_for_a_day_at_growing_intervals_and_then_given_up():
	now, waits = NOON, []
	for tries in range(1, status_event.MAX_TRIES):
		again = status_event.next_try(tries, now)
		waits.append((again - now).total_seconds())
		now = again
	assert waits == sorted(waits) and waits[0] == 5 and waits[-1] == 3600
	assert timedelta(hours=20) < now - NOON < timedelta(hours=28)
	assert status_event.next_try(status_event.MAX_TRIES, now) is None


calls = st.builds(
	Call,
	day=st.dates(date(2026, 1, 1), date(2026, 1, 5)),
	site=st.sampled_from(["", "shop", "Shop", "a/b <c>"]),
	kind=st.sampled_from(session.TYPES),
	status=st.sampled_from(session.STATUSES),
	seconds=st.integers(0, 7200),
	billed=st.integers(0, 7200),
	has_document=st.booleans(),
)


@given(st.lists(calls), st.randoms())
def test_a_tally_counts_every_call_once_in_any_order(some, random):
	rows = tally.tally(some)
	shuffled = list(some)
	random.shuffle(shuffled)
	assert tally.tally(shuffled) == rows
	assert sum(row.sessions for row in rows.values()) == len(some)
	assert sum(row.total_seconds for row in rows.values()) == sum(call.seconds for call in some)
	for key, row in rows.items():
		assert row.key == key and "<" not in key and "/" not in key
		assert row.completed + row.failed <= row.sessions


def test_the_daily_job_looks_back_some_days():
	assert tally.window(date(2026, 3, 1)) == (date(2026, 2, 27), date(2026, 3, 1))


@pytest.mark.parametrize(("configured", "kept"), [(None, 90), (0, 90), (-5, 90), (30, 30), (10**9, 3650)])
def test_nothing_is_kept_for_ever(configured, kept):
	assert retention.days(configured) == kept
	assert retention.cut_off(NOON, configured) == NOON - timedelta(days=kept)


def test_a_business_is_open_in_its_periods_but_on_no_holiday():
	morning, evening = (time(9), time(12)), (time(13), time(17))
	hours = Hours.of([("Tuesday", *evening), ("Tuesday", *morning)], [date(2026, 12, 1)])
	assert hours.periods(date(2026, 11, 24)) == (morning, evening)
	assert hours.periods(date(2026, 12, 1)) == ()
	assert hours.periods(date(2026, 11, 25)) == ()


@pytest.mark.parametrize(
	"rows",
	[
		[("Tuesday", time(12), time(9))],
		[("Tuesday", time(9), time(9))],
		[("Tuesday", time(9), time(13)), ("Tuesday", time(12), time(17))],
		[("Someday", time(9), time(13))],
	],
)
def test_hours_that_make_no_sense_are_refused(rows):
	with pytest.raises(InvalidHours):
		Hours.of(rows)
