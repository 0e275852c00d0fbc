"""Dates and times as they cross the API: naive, in the site's zone.

Frappe stores what it is given and answers 500 to everything else, so each time is read here before it reaches a
field. Nothing in this module asks for the present.
"""

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from voice_agent.domain.refusal import ClockChange, InvalidDate, InvalidTime, TimeHasZone

_TIME = re.compile(r"(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ZONED = re.compile(r"\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2}|[A-Z]{3,4})$|\dT\d", re.ASCII)

#: Longer texts are no times; they are not repeated in an answer either.
_LONGEST = 40


def read_time(value: str | datetime) -> datetime:
	"""A time in the site's zone, without fractions of a second."""
	if isinstance(value, datetime):
		if value.tzinfo is not None:
			raise TimeHasZone("Please give the time as it is on the clock here.")
		return value.replace(microsecond=0)
	text = value.strip()
	match = _TIME.fullmatch(text)
	if match is None:
		if len(text) <= _LONGEST and _ZONED.search(text):
			raise TimeHasZone("Please give the time as it is on the clock here.")
		raise InvalidTime("I did not understand that time.")
	year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
	try:
		return datetime(year, month, day, hour, minute, second)
	except ValueError:
		raise InvalidDate("That day or time does not exist.") from None


def read_date(value: str | date) -> date:
	"""A day of the calendar."""
	if isinstance(value, datetime):
		return value.date()
	if isinstance(value, date):
		return value
	text = value.strip()
	if not _DATE.fullmatch(text):
		raise InvalidDate("I did not understand that date.")
	try:
		return date.fromisoformat(text)
	except ValueError:
		raise InvalidDate("That day does not exist.") from None


def read_clock(value: str | time) -> time:
	"""A time of day, as opening hours have it."""
	if isinstance(value, time):
		return value.replace(tzinfo=None, microsecond=0)
	try:
		hour, minute, *_ = (int(part) for part in value.split(":"))
		return time(hour, minute)
	except ValueError:
		raise InvalidTime("Opening hours are given as HH:MM.") from None


def require_clear(moment: datetime, zone: str) -> None:
	"""Refuses a time that the clocks skip or repeat: nobody could know which hour was meant."""
	area = ZoneInfo(zone)
	first, second = (moment.replace(tzinfo=area, fold=fold) for fold in (0, 1))
	if first.utcoffset() != second.utcoffset():
		raise ClockChange("The clocks change at that hour. Please take another one.")


def write_time(moment: datetime) -> str:
	"""The form that every answer has."""
	return moment.strftime("%Y-%m-%d %H:%M:%S")


def write_stamp(moment: str | datetime) -> str:
	"""A document's `modified` with six decimals, whatever type it has at the moment."""
	if isinstance(moment, datetime):
		return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
	return moment if "." in moment else f"{moment}.000000"
