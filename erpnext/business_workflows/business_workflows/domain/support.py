"""Support tickets: how urgent, and by when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

PRIORITIES = ("Low", "Medium", "High", "Urgent")

#: The part of a category's time that a priority leaves.
_SHARE = {"Low": 2.0, "Medium": 1.0, "High": 0.5, "Urgent": 0.25}


@dataclass(frozen=True)
class Promise:
	"""By when somebody answers, and by when it is solved."""

	respond_by: datetime
	resolve_by: datetime


def promise(now: datetime, priority: str, respond_minutes: int, resolve_hours: int) -> Promise:
	"""The times that the category's service level promises for this priority. They run around the clock."""
	share = _SHARE.get(priority, 1.0)
	answer = timedelta(minutes=max(1, round(respond_minutes * share)))
	solution = timedelta(minutes=max(1, round(resolve_hours * 60 * share)))
	return Promise(now + answer, now + max(answer, solution))
