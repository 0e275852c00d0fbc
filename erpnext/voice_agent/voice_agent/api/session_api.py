"""The record of a call, for the gateway: begin, add, end.

The gateway may as well write *Voice Session* over the resource API; these methods are the steps that need no
knowledge of its fields. Each can be repeated. Trust: a caller is a user with the role Voice Gateway, never a visitor.
"""

from typing import Any

import frappe
from frappe.utils import now_datetime

from voice_agent.domain import session as rules
from voice_agent.domain import text, when
from voice_agent.refusals import answered

#: Steps of one call that are recorded; a call of an hour has some dozens.
_MOST_INTERACTIONS = 500


@frappe.whitelist(methods=["POST"])
def start_session(
	session_id: str,
	session_type: str = "General",
	ultravox_call_id: str | None = None,
	worker: str | None = None,
	site_id: str | None = None,
) -> dict[str, Any]:
	"""Begins the record, or finds the one of an earlier call of this method."""
	with answered():
		name = text.key(session_id)
	frappe.has_permission("Voice Session", "create", throw=True)
	if frappe.db.exists("Voice Session", name):
		return {"session": name, "created": False}
	record = frappe.get_doc(
		{
			"doctype": "Voice Session",
			"session_id": name,
			"session_type": session_type,
			"ultravox_call_id": ultravox_call_id,
			"node_server_id": worker,
			"site_id": site_id,
			"start_time": when.write_time(now_datetime()),
		}
	)
	try:
		record.insert()
	except frappe.DuplicateEntryError:
		# Another request was faster. The record is not read again: this transaction may not see it yet.
		frappe.clear_last_message()
		return {"session": name, "created": False}
	return {"session": record.name, "created": True}


@frappe.whitelist(methods=["POST"])
def add_interaction(
	session_id: str,
	event_id: str,
	kind: str = "Tool",
	tool: str | None = None,
	parameters: dict | None = None,
	result: dict | None = None,
	at: str | None = None,
) -> dict[str, Any]:
	"""Adds one step of the call; a step with the same event id is added once."""
	record = _open(session_id)
	if any(row.event_id == event_id for row in record.interactions):
		return {"session": record.name, "created": False}
	if len(record.interactions) >= _MOST_INTERACTIONS:
		frappe.throw(frappe._("This call has too many steps."))
	row = {
		"event_id": event_id,
		"kind": kind,
		"tool": tool,
		"parameters": frappe.as_json(parameters) if parameters is not None else None,
		"result": frappe.as_json(result) if result is not None else None,
		"at": at or when.write_time(now_datetime()),
	}
	record.append("interactions", row)
	record.save()
	return {"session": record.name, "created": True}


@frappe.whitelist(methods=["POST"])
def end_session(
	session_id: str,
	state: str = "completed",
	end_time: str | None = None,
	business_outcome: str | None = None,
	seconds_billed: int | None = None,
	transcript: str | None = None,
) -> dict[str, Any]:
	"""Ends the record with the gateway's last state of the call. A record that is over stays as it is."""
	record = _open(session_id)
	if record.status not in rules.FINAL:
		with answered():
			record.status = rules.status_of(state)
		record.end_time = end_time or when.write_time(now_datetime())
		for field, value in {
			"business_outcome": business_outcome,
			"seconds_billed": seconds_billed,
			"transcript": transcript,
		}.items():
			if value is not None:
				record.set(field, value)
		record.save()
	return {"session": record.name, "status": record.status, "duration": record.duration}


def _open(session_id: str):
	record = frappe.get_doc("Voice Session", session_id, for_update=True)
	record.check_permission("write")
	return record
