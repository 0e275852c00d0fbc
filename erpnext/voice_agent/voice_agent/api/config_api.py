"""Reading the agent's configuration, for the gateway's workers; trying out the way back, for managers.

Secrets never leave here.
"""

from typing import Any

import frappe

from voice_agent import outbox
from voice_agent.domain.status_event import TEST, StatusEvent, delivered
from voice_agent.domain.when import write_stamp

_FIELDS = (
	"business_type",
	"business_name",
	"phone",
	"address",
	"voice",
	"language",
	"greeting",
	"prompt",
)


@frappe.whitelist(methods=["POST"])
def get_config(business_type: str) -> dict[str, Any]:
	"""Prompt, voice, opening hours and tools of one kind of business."""
	config = frappe.get_doc("Voice Config", business_type)
	config.check_permission("read")
	return {
		**{field: config.get(field) for field in _FIELDS},
		"enabled": config.enabled,
		"modified": write_stamp(config.modified),
		"opening_hours": config.spoken_hours(),
		"holidays": [str(row.holiday_date) for row in config.holidays],
		"tools": [
			{"tool": row.tool, "method": row.method, "description": row.description}
			for row in config.tools
			if row.enabled
		],
	}


@frappe.whitelist(methods=["POST"])
def list_configs() -> dict[str, Any]:
	"""The kinds of business that take calls, and when each configuration was changed last."""
	found = frappe.get_list(
		"Voice Config", filters={"enabled": 1}, fields=["business_type", "modified"], order_by="name asc"
	)
	return {
		"configs": [
			{"business_type": row.business_type, "modified": write_stamp(row.modified)} for row in found
		]
	}


@frappe.whitelist(methods=["POST"])
def send_test(business_type: str) -> dict[str, Any]:
	"""Sends one signed event that names no document, and returns what the gateway answered."""
	config = frappe.get_doc("Voice Config", business_type)
	config.check_permission("write")
	event = StatusEvent(
		doctype="Voice Config",
		name=config.name,
		status="Test",
		session_id="",
		modified=write_stamp(frappe.utils.now_datetime()),
	)
	answer = outbox.post(config.name, event, TEST)
	return {"answer": answer, "delivered": isinstance(answer, int) and delivered(answer)}
