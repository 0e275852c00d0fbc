"""Upkeep of call records that nobody ended."""

import frappe
from frappe.utils import add_to_date, now_datetime

#: No call lasts longer; a record that is still active then lost its gateway.
STALE_HOURS = 24
#: Records of one run; the next hour takes the rest.
_BATCH = 500


def close_stale() -> None:
	"""Ends records that have been active for a day."""
	before = add_to_date(now_datetime(), hours=-STALE_HOURS)
	names = frappe.get_all(
		"Voice Session",
		filters={"status": "Active", "modified": ["<", before]},
		pluck="name",
		limit=_BATCH,
	)
	for name in names:
		session = frappe.get_doc("Voice Session", name, for_update=True)
		if session.status == "Active":
			session.status = "Failed"
			session.save()
