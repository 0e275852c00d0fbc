"""How many calls there were, for staff and for the console."""

from typing import Any

import frappe

from voice_agent.domain import tally, when
from voice_agent.refusals import answered

#: Rows of one answer: a year of four kinds of business on two sites.
_MOST_ROWS = 3000

_FIELDS = [
	"day",
	"site_id",
	"session_type",
	"sessions",
	"completed",
	"failed",
	"with_document",
	"total_seconds",
	"average_seconds",
	"seconds_billed",
]


@frappe.whitelist(methods=["POST"])
def get_daily(
	from_date: str, to_date: str, session_type: str | None = None, site_id: str | None = None
) -> dict[str, Any]:
	"""The rows of some days, the oldest first."""
	with answered():
		first, last = when.read_date(from_date), when.read_date(to_date)
	filters: dict[str, Any] = {"day": ["between", [first, last]]}
	if session_type:
		filters["session_type"] = session_type
	if site_id is not None:
		filters["site_id"] = site_id
	rows = frappe.get_list(
		"Voice Analytics", filters=filters, fields=_FIELDS, order_by="day asc", limit=_MOST_ROWS
	)
	return {"rows": rows}


@frappe.whitelist(methods=["POST"])
def recompute(from_date: str, to_date: str) -> dict[str, Any]:
	"""Computes some days again in the background; the rows of each day are replaced."""
	frappe.has_permission("Voice Analytics", "write", throw=True)
	with answered():
		first, last = when.read_date(from_date), when.read_date(to_date)
	if not 0 <= (last - first).days < tally.MAX_DAYS:
		frappe.throw(frappe._("Up to {0} days at a time, the first one first.").format(tally.MAX_DAYS))
	frappe.enqueue(
		"voice_agent.analytics.compute",
		queue="long",
		job_id=f"voice-analytics-{first}-{last}",
		deduplicate=True,
		enqueue_after_commit=True,
		first=first,
		last=last,
	)
	return {"from_date": str(first), "to_date": str(last)}
