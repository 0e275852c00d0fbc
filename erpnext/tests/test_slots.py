"""The calendar: nobody gets a time twice, and only times that exist."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from business_workflows.domain import slots, states, support
from business_workflows.domain.refusal import (
	Closed,
	Holiday,
	InvalidPriority,
	TooFar,
	TooSoon,
	UnknownCategory,
)
from business_workflows.domain.slots import Busy, Service
from voice_agent.domain.opening import WEEKDAYS, Hours

NOW = datetime(2026, 11, 23, 12)
HOURS = Hours.of([(day, time(9), time(17)) for day in WEEKDAYS[:6]], [date(2026, 12, 25)])


def service(**changes):
	fields = {"name": "haircut", "duration": 30, "hours": HOURS, "resources": ("Alex", "Sam")}
	return Service(**{**fields, **changes})


def busy_at(offered, start, resource):
	return Busy(resource, *offered.occupied(start))


def test_a_time_is_taken_when_every_resource_is():
	start, taken = datetime(2026, 11, 24, 9), []
	for expected in ("Alex", "Sam", None):
		assert slots.place(service(), start, taken) == expected
		if expected:
			taken.append(busy_at(service(), start, expected))


def test_the_preferred_resource_is_taken_if_it_is_free():
	start = datetime(2026, 11, 24, 9)
	assert slots.place(service(), start, [], "Sam") == "Sam"
	assert slots.place(service(), start, [busy_at(service(), start, "Sam")], "Sam") == "Alex"
	assert slots.place(service(), start, [], "Nobody") == "Alex"


@pytest.mark.parametrize(
	("start", "refusal"),
	[
		(datetime(2026, 11, 23, 9), TooSoon),
		(datetime(2026, 11, 22, 9), TooSoon),
		(datetime(2020, 1, 1, 9), TooSoon),
		(datetime(2027, 11, 24, 9), TooFar),
		(datetime(2026, 12, 25, 9), Holiday),
		(datetime(2026, 11, 29, 9), Closed),
		(datetime(2026, 11, 24, 9, 10), Closed),
		(datetime(2026, 11, 24, 8, 30), Closed),
		(datetime(2026, 11, 24, 17), Closed),
	],
)
def test_a_time_that_is_none_is_refused_for_its_own_reason(start, refusal):
	with pytest.raises(refusal):
		slots.check_open(service(), start, NOW)


def test_a_service_ends_before_the_business_closes():
	slots.check_open(service(), datetime(2026, 11, 24, 16, 30), NOW)
	with pytest.raises(Closed):
		slots.check_open(service(duration=60), datetime(2026, 11, 24, 16, 30), NOW)


def test_today_can_be_booked_where_the_service_allows_it_but_not_the_past():
	today = service(first_day=0)
	slots.check_open(today, datetime(2026, 11, 23, 12, 30), NOW)
	with pytest.raises(TooSoon):
		slots.check_open(today, datetime(2026, 11, 23, 12), NOW)


def test_a_buffer_keeps_the_resource_busy():
	massage = service(resources=("Alex",), buffer_before=10, buffer_after=20)
	taken = [busy_at(massage, datetime(2026, 11, 24, 10), "Alex")]
	free = [slot.start.strftime("%H:%M") for slot in slots.free(massage, date(2026, 11, 24), taken, NOW)]
	assert free[:3] == ["09:00", "11:00", "11:30"]


def test_free_times_are_in_order_and_end_with_the_limit():
	found = slots.first(slots.free(service(), date(2026, 11, 24), [], NOW), 3)
	assert [slot.start for slot in found] == [datetime(2026, 11, 24, 9, m) for m in (0, 30)] + [
		datetime(2026, 11, 24, 10)
	]


def test_only_days_from_tomorrow_to_the_horizon_are_looked_at():
	found = list(slots.days(service(horizon=3), NOW))
	assert found == [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)]
	assert list(slots.days(service(horizon=3), NOW, date(2026, 11, 26))) == [date(2026, 11, 26)]
	assert list(slots.days(service(), NOW, date(2030, 1, 1))) == []


@pytest.mark.parametrize(
	("day", "reason"),
	[
		(date(2026, 11, 23), "too_soon"),
		(date(2030, 1, 1), "too_far"),
		(date(2026, 12, 25), "holiday"),
		(date(2026, 11, 29), "closed"),
		(date(2026, 11, 24), "taken"),
	],
)
def test_a_day_without_free_times_has_a_reason(day, reason):
	assert slots.why_none(service(), day, NOW) == reason


services = st.builds(
	service,
	duration=st.integers(1, 180),
	step=st.sampled_from([5, 10, 15, 30, 60]),
	buffer_before=st.integers(0, 45),
	buffer_after=st.integers(0, 45),
	resources=st.sampled_from([("Alex",), ("Alex", "Sam"), ()]),
)
days = st.sampled_from([date(2026, 11, 24) + timedelta(days=n) for n in range(9)])


@given(services, st.lists(st.tuples(services, days, st.integers(0, 200)), max_size=40))
def test_no_two_appointments_of_one_resource_ever_overlap(first, wishes):
	taken = []
	for wanted, day, at in [(first, date(2026, 11, 24), 0), *wishes]:
		offers = list(slots.free(wanted, day, taken, NOW))
		if not offers:
			continue
		slot = offers[at % len(offers)]
		slots.check_open(wanted, slot.start, NOW)
		taken.append(busy_at(wanted, slot.start, slot.resource))
	for at, one in enumerate(taken):
		for other in taken[at + 1 :]:
			assert one.resource != other.resource or not one.overlaps(other.start, other.end)


@given(services, days)
def test_every_offer_can_be_booked_and_lies_in_the_opening_hours(wanted, day):
	for slot in slots.free(wanted, day, [], NOW):
		slots.check_open(wanted, slot.start, NOW)
		assert slots.place(wanted, slot.start, []) == slot.resource
		assert slot.end - slot.start == timedelta(minutes=wanted.duration)
		assert time(9) <= slot.start.time() and slot.end.time() <= time(17)


def test_a_cancelled_appointment_gives_its_time_back():
	assert not states.takes_time("Cancelled")
	assert all(states.takes_time(s) for s in states.APPOINTMENT.statuses if s != "Cancelled")


@given(st.integers(0, 10_000), st.integers(0, 1000))
def test_the_more_urgent_the_sooner(respond, resolve):
	promises = [support.promise(NOW, priority, respond, resolve) for priority in support.PRIORITIES]
	for later, sooner in pairwise(promises):
		assert sooner.respond_by <= later.respond_by and sooner.resolve_by <= later.resolve_by
	assert all(NOW < promise.respond_by <= promise.resolve_by for promise in promises)


def test_a_category_is_found_by_what_it_is_called():
	names = ["General", "Food quality"]
	assert support.find_category(None, names) is support.find_category("  ", names) is None
	assert support.find_category("food-QUALITY", names) == "Food quality"
	with pytest.raises(UnknownCategory) as refusal:
		support.find_category("Weather", names)
	assert refusal.value.details == {"categories": names}


def test_a_priority_is_one_of_four_or_none():
	for priority in (*support.PRIORITIES, None, ""):
		support.check_priority(priority)
	for priority in ("urgent", "Whatever"):
		with pytest.raises(InvalidPriority):
			support.check_priority(priority)
