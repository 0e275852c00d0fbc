"""Calls by day and kind of business: how many, how they ended, how long they took."""

from typing import Any

import frappe
from frappe import _
from frappe.query_builder.functions import Count, Date, Sum
from frappe.utils import add_days, today
from pypika.terms import Case

#: Days shown when no period is chosen.
_DAYS = 30


def execute(filters: dict[str, Any] | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
	chosen = frappe._dict(filters or {})
	session = frappe.qb.DocType("Voice Session")
	day = Date(session.start_time).as_("day")
	query = (
		frappe.qb.from_(session)
		.select(
			day,
			session.session_type,
			Count("*").as_("sessions"),
			Sum(Case().when(session.status == "Completed", 1).else_(0)).as_("completed"),
			Sum(Case().when(session.status == "Failed", 1).else_(0)).as_("failed"),
			Sum(session.duration).as_("seconds"),
			Sum(session.seconds_billed).as_("seconds_billed"),
		)
		.where(session.start_time >= (chosen.from_date or add_days(today(), -_DAYS)))
		.where(session.start_time < add_days(chosen.to_date or today(), 1))
		.groupby(day, session.session_type)
		.orderby(day)
	)
	if chosen.session_type:
		query = query.where(session.session_type == chosen.session_type)
	return _columns(), query.run(as_dict=True)


def _columns() -> list[dict[str, Any]]:
	whole = {"fieldtype": "Int", "width": 120}
	return [
		{"fieldname": "day", "label": _("Day"), "fieldtype": "Date", "width": 120},
		{"fieldname": "session_type", "label": _("Type"), "fieldtype": "Data", "width": 130},
		{"fieldname": "sessions", "label": _("Calls"), **whole},
		{"fieldname": "completed", "label": _("Completed"), **whole},
		{"fieldname": "failed", "label": _("Failed"), **whole},
		{"fieldname": "seconds", "label": _("Seconds"), **whole},
		{"fieldname": "seconds_billed", "label": _("Seconds billed"), **whole},
	]
