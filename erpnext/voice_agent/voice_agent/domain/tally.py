"""Counting calls: one row for each day, site and kind of business.

A tally is computed from the records alone, so that computing it again changes nothing but what was late.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

#: How many days back the daily job looks: a record that arrives later has its day computed again by hand.
WINDOW_DAYS = 3
#: The most days that one call computes.
MAX_DAYS = 400


@dataclass(frozen=True)
class Call:
	"""What a tally needs to know of a record."""

	day: date
	site: str
	kind: str
	status: str
	seconds: int
	billed: int
	has_document: bool


@dataclass
class Tally:
	"""The sums of one day, site and kind."""

	day: date
	site: str
	kind: str
	sessions: int = 0
	completed: int = 0
	failed: int = 0
	with_document: int = 0
	total_seconds: int = 0
	seconds_billed: int = 0

	@property
	def key(self) -> str:
		"""The row's name; a site's id is hashed, because it may hold any character."""
		site = hashlib.sha256(self.site.encode()).hexdigest()[:12]
		return f"{self.day.isoformat()}-{site}-{self.kind.lower()}"

	@property
	def average_seconds(self) -> int:
		"""Of the calls that ended."""
		ended = self.completed + self.failed
		return self.total_seconds // ended if ended else 0

	def add(self, call: Call) -> None:
		self.sessions += 1
		self.completed += call.status == "Completed"
		self.failed += call.status == "Failed"
		self.with_document += call.has_document
		self.total_seconds += call.seconds
		self.seconds_billed += call.billed


def tally(calls: Iterable[Call]) -> dict[str, Tally]:
	"""The rows by their name."""
	rows: dict[str, Tally] = {}
	for call in calls:
		fresh = Tally(call.day, call.site, call.kind)
		rows.setdefault(fresh.key, fresh).add(call)
	return rows


def window(today: date) -> tuple[date, date]:
	"""The first and the last day that the daily job computes."""
	return today - timedelta(days=WINDOW_DAYS - 1), today
