"""What any caller may ask or leave, for the voice agent's gateway: the business itself, and messages.

Trust: a caller is a user with the role Voice Gateway, never a visitor. Nothing here tells who else called.
"""

from typing import Any

import frappe

from business_workflows import commands
from voice_agent.refusals import answered

_DOCTYPE = "Voice Message"


@frappe.whitelist(methods=["POST"])
def get_business_info(business_type: str = "General") -> dict[str, Any]:
	"""Name, address, opening hours and services of the business."""
	config = frappe.get_doc("Voice Config", business_type)
	config.check_permission("read")
	services = frappe.get_all(
		"Appointment Service",
		filters={"enabled": 1},
		pluck="service_name",
		order_by="position asc, creation asc",
		limit=0,
	)
	return {
		"business_name": config.business_name,
		"phone": config.phone,
		"address": config.address,
		"opening_hours": config.spoken_hours(),
		"services": services,
	}


@frappe.whitelist(methods=["POST"])
def take_message(
	idempotency_key: str,
	session_id: str,
	customer_name: str,
	message: str,
	customer_phone: str | None = None,
	callback: int | None = None,
) -> dict[str, Any]:
	"""Keeps a message for staff, once for each key."""
	details = {
		"customer_name": customer_name,
		"customer_phone": customer_phone,
		"message": message,
		"callback": int(bool(callback)),
	}
	with answered():
		document, created = commands.once(
			_DOCTYPE, idempotency_key, details, {**details, "session_id": session_id}
		)
	return {**commands.answer(document, "doctype", "name", "status"), "created": created}
