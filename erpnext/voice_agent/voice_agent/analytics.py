"""The daily rows of *Voice Analytics*, from the records of calls.

Computing a day again replaces its rows: nothing is added up twice. The records lose what is personal with time, never
what is counted, so that old days can be computed again as well.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import frappe
from frappe.utils import getdate, now_datetime, today

from voice_agent.domain import tally as rules
from voice_agent.domain.tally import Call, Tally


def compute_recent() -> None:
	"""The scheduler's share: the last days, because a call may be recorded after its day."""
	compute(*rules.window(getdate(today())))


def compute(first: date, last: date) -> int:
	"""Computes the rows of some days, and returns how many there are now."""
	rows = rules.tally(_calls(first, last))
	stored = frappe.get_all(
		"Voice Analytics", filters={"day": ["between", [first, last]]}, pluck="name", limit=0
	)
	for name in set(stored) - rows.keys():
		frappe.delete_doc("Voice Analytics", name)
	for key, row in rows.items():
		_store(key, row, exists=key in stored)
	return len(rows)


def _calls(first: date, last: date) -> Iterator[Call]:
	session = frappe.qb.DocType("Voice Session")
	found = (
		frappe.qb.from_(session)
		.select(
			session.start_time,
			session.site_id,
			session.session_type,
			session.status,
			session.duration,
			session.seconds_billed,
			session.reference_document,
		)
		.where(session.start_time >= str(first))
		.where(session.start_time < str(last + timedelta(days=1)))
		.run(as_dict=True)
	)
	for row in found:
		yield Call(
			day=row.start_time.date(),
			site=row.site_id or "",
			kind=row.session_type or "General",
			status=row.status,
			seconds=row.duration or 0,
			billed=row.seconds_billed or 0,
			has_document=bool(row.reference_document),
		)


def _store(key: str, row: Tally, exists: bool) -> None:
	document = frappe.get_doc("Voice Analytics", key) if exists else frappe.new_doc("Voice Analytics")
	document.update(
		{
			"row_key": key,
			"day": row.day,
			"site_id": row.site,
			"session_type": row.kind,
			"sessions": row.sessions,
			"completed": row.completed,
			"failed": row.failed,
			"with_document": row.with_document,
			"total_seconds": row.total_seconds,
			"average_seconds": row.average_seconds,
			"seconds_billed": row.seconds_billed,
			"computed_at": now_datetime(),
		}
	)
	document.save()
