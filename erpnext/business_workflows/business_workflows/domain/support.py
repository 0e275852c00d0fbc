"""Support tickets: how urgent, and by when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from business_workflows.domain.refusal import InvalidPriority, UnknownCategory
from voice_agent.domain.text import said

PRIORITIES = ("Low", "Medium", "High", "Urgent")

#: The part of a category's time that a priority leaves.
_SHARE = {"Low": 2.0, "Medium": 1.0, "High": 0.5, "Urgent": 0.25}


def find_category(words: str | None, categories: Sequence[str]) -> str | None:
	"""The category that is called so; None when the caller named none."""
	wanted = said(words or "")
	if not wanted:
		return None
	for category in categories:
		if said(category) == wanted:
			return category
	raise UnknownCategory("I do not know that kind of problem.", categories=list(categories))


def check_priority(priority: str | None) -> None:
	"""Refuses a word that is no priority; the category's own is taken when none is given."""
	if priority and priority not in PRIORITIES:
		raise InvalidPriority("How urgent is it: low, medium, high or urgent?")


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
