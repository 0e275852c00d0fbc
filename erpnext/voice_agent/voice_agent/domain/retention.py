"""How long what callers said is kept.

The record of a call stays, for counting; what is personal in it is cleared. There is no kind of business without a
limit.
"""

from datetime import datetime, timedelta

DEFAULT_DAYS = 90
#: Ten years: a typing error must not keep things for ever.
MAX_DAYS = 3650

#: The personal fields of a call's record.
PERSONAL = ("customer_name", "customer_phone", "transcript", "business_outcome")


def days(configured: int | None) -> int:
	"""The days to keep, within bounds; nothing configured means the default."""
	if not configured or configured < 0:
		return DEFAULT_DAYS
	return min(configured, MAX_DAYS)


def cut_off(now: datetime, configured: int | None) -> datetime:
	"""What ended before is cleared."""
	return now - timedelta(days=days(configured))
