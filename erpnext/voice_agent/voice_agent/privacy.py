"""What a caller may ask of us, and what time does anyway: showing and clearing personal data.

Where personal data lies is declared by each app in the hook `voice_personal_data`. A document stays after it was
cleared, without the person: counts and accounts must still add up. Callers of this module check who may ask.
"""

from typing import Any

import frappe
from frappe.utils import now_datetime

from voice_agent.domain import retention, session

#: Documents of one doctype that one request handles; nobody calls that often.
_MOST = 5000
#: Records that one run of the retention clears.
_BATCH = 1000


def find(phone: str) -> dict[str, list[dict[str, Any]]]:
	"""All documents of a telephone number, whole, by doctype."""
	return {
		place["doctype"]: [frappe.get_doc(place["doctype"], name).as_dict() for name in _names(place, phone)]
		for place in _places()
	}


def erase(phone: str) -> dict[str, int]:
	"""Clears the personal data of a telephone number; returns how many documents were cleared, by doctype."""
	return {place["doctype"]: _clear(place, _names(place, phone)) for place in _places()}


def clear_aged() -> None:
	"""Clears what callers said after the days that each kind of business keeps it."""
	place = next(place for place in _places() if place["doctype"] == "Voice Session")
	for kind in session.TYPES:
		kept = frappe.db.get_value("Voice Config", kind, "retention_days")
		before = retention.cut_off(now_datetime(), kept)
		aged = frappe.get_all(
			"Voice Session",
			filters={
				"session_type": kind,
				"status": ["in", sorted(session.FINAL)],
				"personal_data_cleared": 0,
				"creation": ["<", before],
			},
			pluck="name",
			limit=_BATCH,
		)
		_clear(place, aged)


def _places() -> list[dict[str, Any]]:
	return frappe.get_hooks("voice_personal_data")


def _names(place: dict[str, Any], phone: str) -> list[str]:
	return frappe.get_all(place["doctype"], filters={place["phone_field"]: phone}, pluck="name", limit=_MOST)


def _clear(place: dict[str, Any], names: list[str]) -> int:
	doctype = place["doctype"]
	for name in names:
		# A final document refuses to be saved; this is no step of its life.
		frappe.db.set_value(doctype, name, place["clear"])
		for table in place.get("clear_tables", ()):
			frappe.db.delete(table, {"parent": name, "parenttype": doctype})
	return len(names)
