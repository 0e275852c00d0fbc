"""The calendar's arithmetic: which times a service can begin, and who could serve.

An appointment occupies its resource from `buffer_before` minutes before its start to `buffer_after` minutes after its
end; two occupations of one resource never overlap. This module computes with what it is given: that nobody changes it
meanwhile is the caller's lock.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from business_workflows.domain.refusal import Closed, Holiday, SlotTaken, TooFar, TooSoon
from voice_agent.domain.opening import Hours

#: No service with its buffers occupies a resource longer: bounds how far back an overlap is looked for.
LONGEST_MINUTES = 24 * 60
#: No day has more beginnings: bounds the work for a grid of one minute.
_MAX_STARTS = 24 * 60


@dataclass(frozen=True)
class Service:
	"""What can be booked. All lengths in minutes, `first_day` and `horizon` in days from today."""

	name: str
	duration: int
	hours: Hours
	resources: tuple[str, ...]
	step: int = 30
	buffer_before: int = 0
	buffer_after: int = 0
	first_day: int = 1
	horizon: int = 60

	def end(self, start: datetime) -> datetime:
		return start + timedelta(minutes=self.duration)

	def occupied(self, start: datetime) -> tuple[datetime, datetime]:
		"""From when to when the resource is busy."""
		return (
			start - timedelta(minutes=self.buffer_before),
			self.end(start) + timedelta(minutes=self.buffer_after),
		)


@dataclass(frozen=True)
class Busy:
	"""A resource that is occupied from `start` until `end`."""

	resource: str
	start: datetime
	end: datetime

	def overlaps(self, start: datetime, end: datetime) -> bool:
		return self.start < end and self.end > start


@dataclass(frozen=True)
class Slot:
	"""A time that can be offered, and the resource that would serve."""

	start: datetime
	end: datetime
	resource: str


def check_open(service: Service, start: datetime, now: datetime) -> None:
	"""Refuses a time at which the service never begins, whoever is free."""
	day = start.date()
	if start <= now or day < now.date() + timedelta(days=service.first_day):
		raise TooSoon("That is too soon. Please take a later time.")
	if day > now.date() + timedelta(days=service.horizon):
		raise TooFar("That is too far ahead to book.")
	if day in service.hours.holidays:
		raise Holiday("We are closed on that day.")
	if start not in _starts(service, day):
		raise Closed("No appointment can begin at that time.")


def why_none(service: Service, day: date, now: datetime) -> str:
	"""The reason why a day has no free time."""
	if day < now.date() + timedelta(days=service.first_day):
		return TooSoon.reason
	if day > now.date() + timedelta(days=service.horizon):
		return TooFar.reason
	if day in service.hours.holidays:
		return Holiday.reason
	return SlotTaken.reason if service.hours.periods(day) else Closed.reason


def _starts(service: Service, day: date) -> Iterator[datetime]:
	count = 0
	for opens, closes in service.hours.periods(day):
		start, latest = datetime.combine(day, opens), datetime.combine(day, closes)
		while service.end(start) <= latest and count < _MAX_STARTS:
			yield start
			count += 1
			start += timedelta(minutes=max(service.step, 1))


def place(
	service: Service, start: datetime, busy: Sequence[Busy], preferred: str | None = None
) -> str | None:
	"""A resource that is free at that time: the preferred one if it is, else the first."""
	begin, end = service.occupied(start)
	taken = {other.resource for other in busy if other.overlaps(begin, end)}
	free = [resource for resource in service.resources if resource not in taken]
	return preferred if preferred in free else next(iter(free), None)


def days(service: Service, now: datetime, first: date | None = None) -> Iterator[date]:
	"""The days that can be booked, from `first` on."""
	earliest = now.date() + timedelta(days=service.first_day)
	latest = now.date() + timedelta(days=service.horizon)
	day = max(earliest, first or earliest)
	while day <= latest:
		yield day
		day += timedelta(days=1)


def free(
	service: Service,
	day: date,
	busy: Sequence[Busy],
	now: datetime,
	not_before: datetime | None = None,
) -> Iterator[Slot]:
	"""The free times of one day in their order."""
	today = [other for other in busy if other.start.date() <= day <= other.end.date()]
	for start in _starts(service, day):
		if start <= now or (not_before and start < not_before):
			continue
		resource = place(service, start, today)
		if resource:
			yield Slot(start, service.end(start), resource)


def first(slots: Iterable[Slot], limit: int) -> list[Slot]:
	"""At most `limit` of them, without computing more."""
	found: list[Slot] = []
	for slot in slots:
		if len(found) >= limit:
			break
		found.append(slot)
	return found
