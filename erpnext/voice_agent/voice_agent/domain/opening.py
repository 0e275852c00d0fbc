"""Opening hours and holidays of a business, by weekday."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import pairwise

from voice_agent.domain.refusal import Refusal

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class InvalidHours(Refusal):
	"""Opening hours that close before they open, or overlap."""

	reason = "invalid_hours"


@dataclass(frozen=True)
class Hours:
	"""When a business is open: some periods on each weekday, but on no holiday."""

	by_day: Mapping[str, tuple[tuple[time, time], ...]]
	holidays: frozenset[date] = field(default_factory=frozenset)

	@classmethod
	def of(cls, rows: Iterable[tuple[str, time, time]], holidays: Iterable[date] = ()) -> "Hours":
		by_day: dict[str, list[tuple[time, time]]] = {}
		for day, opens, closes in rows:
			if day not in WEEKDAYS or opens >= closes:
				raise InvalidHours(f"The opening hours of {day} close before they open.")
			by_day.setdefault(day, []).append((opens, closes))
		for day, periods in by_day.items():
			periods.sort()
			if any(later[0] < earlier[1] for earlier, later in pairwise(periods)):
				raise InvalidHours(f"The opening hours of {day} overlap.")
		return cls({day: tuple(periods) for day, periods in by_day.items()}, frozenset(holidays))

	def periods(self, day: date) -> tuple[tuple[time, time], ...]:
		"""The periods of one day; none on a holiday."""
		if day in self.holidays:
			return ()
		return self.by_day.get(WEEKDAYS[day.weekday()], ())
