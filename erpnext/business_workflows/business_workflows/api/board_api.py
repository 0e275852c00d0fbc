"""The staff's screens: the kitchen's board, the day's appointments, the support queue.

Everything is read with the rights of the user who looks; nothing here shows more than the lists of the desk.
"""

from typing import Any

import frappe
from frappe.utils import add_days, add_to_date, now_datetime

from business_workflows.domain import states
from business_workflows.domain.refusal import InvalidStatus
from voice_agent.domain import when
from voice_agent.refusals import answered

#: Cards on a board: more than a screen can show is not looked at.
_MOST = 200
#: The kitchen has done its part.
_HANDED_OVER = ("Ready", "Out for Delivery", "Completed")
#: How long the board shows what is done.
_DONE_MINUTES = 30


@frappe.whitelist(methods=["POST"])
def kitchen() -> dict[str, Any]:
	"""Open orders with their lines, the oldest first, and those that were finished just now."""
	recently = add_to_date(now_datetime(), minutes=-_DONE_MINUTES)
	fields = [
		"name",
		"order_number",
		"status",
		"order_type",
		"customer_name",
		"special_instructions",
		"estimated_time",
		"creation",
		"modified",
	]
	doctype = "Voice Restaurant Order"
	orders = frappe.get_list(
		doctype,
		filters={"status": ["not in", sorted(states.ORDER.final)]},
		fields=fields,
		order_by="creation asc",
		limit=_MOST,
	)
	orders += frappe.get_list(
		doctype,
		filters={"status": "Completed", "modified": [">", recently]},
		fields=fields,
		order_by="modified asc",
		limit=_MOST,
	)
	lines = _lines([order.name for order in orders])
	now = now_datetime()
	for order in orders:
		waited = (now - order.creation).total_seconds() / 60
		order["is_late"] = order.status not in _HANDED_OVER and waited > order.estimated_time
		order["items"] = lines.get(order.name, [])
		order["next"] = states.next_in_kitchen(order.status, order.order_type)
	return {"orders": orders, "columns": [s for s in states.ORDER.statuses if s != "Cancelled"]}


def _lines(orders: list[str]) -> dict[str, list[dict[str, Any]]]:
	by_order: dict[str, list[dict[str, Any]]] = {}
	for row in frappe.get_all(
		"Voice Restaurant Order Item",
		filters={"parent": ["in", orders], "parenttype": "Voice Restaurant Order"},
		fields=["parent", "item_name", "quantity", "modifiers", "special_instructions"],
		order_by="parent asc, idx asc",
		limit=0,
	):
		by_order.setdefault(row.pop("parent"), []).append(row)
	return by_order


@frappe.whitelist(methods=["POST"])
def advance_order(order: str, status: str) -> dict[str, Any]:
	"""One tap: moves an order from the status that the screen shows to the next one. If somebody else was faster,
	nothing happens."""
	document = frappe.get_doc("Voice Restaurant Order", order, for_update=True)
	document.check_permission("write")
	if document.status != status:
		return {"name": document.name, "status": document.status, "moved": False}
	following = states.next_in_kitchen(document.status, document.order_type)
	with answered():
		if following is None:
			raise InvalidStatus("This order is at its end.")
	document.status = following
	document.save()
	return {"name": document.name, "status": document.status, "moved": True}


@frappe.whitelist(methods=["POST"])
def day(date: str) -> dict[str, Any]:
	"""One day's appointments and holds, by resource."""
	with answered():
		first = when.read_date(date)
	resources = frappe.get_list(
		"Appointment Resource", filters={"enabled": 1}, pluck="name", order_by="name asc", limit=_MOST
	)
	appointments = frappe.get_list(
		"Voice Appointment",
		filters=[
			["start", ">=", str(first)],
			["start", "<", str(add_days(first, 1))],
			["status", "!=", "Cancelled"],
		],
		fields=["name", "resource", "start", "end", "service_name", "customer_name", "status"],
		order_by="start asc",
		limit=_MOST,
	)
	return {"resources": resources, "appointments": appointments, "holds": _holds(first)}


def _holds(day) -> list[dict[str, Any]]:
	"""Held times without the caller, for whoever may see holds."""
	if not frappe.has_permission("Voice Slot Hold", "read"):
		return []
	live = frappe.get_list(
		"Voice Slot Hold", filters={"expires_at": [">", now_datetime()]}, pluck="name", limit=_MOST
	)
	return frappe.get_all(
		"Voice Held Slot",
		filters=[
			["parent", "in", live],
			["start", ">=", str(day)],
			["start", "<", str(add_days(day, 1))],
		],
		fields=["resource", "start", "end"],
		order_by="start asc",
		limit=_MOST,
	)


@frappe.whitelist(methods=["POST"])
def queue() -> dict[str, Any]:
	"""Open tickets, those whose promise runs out first on top."""
	tickets = frappe.get_list(
		"Voice Support Ticket",
		filters={"status": ["in", ["Open", "In Progress"]]},
		fields=[
			"name",
			"status",
			"category",
			"priority",
			"customer_name",
			"issue_description",
			"assigned_to",
			"respond_by",
			"resolve_by",
			"creation",
		],
		order_by="resolve_by asc",
		limit=_MOST,
	)
	return {"tickets": tickets, "now": when.write_time(now_datetime())}


@frappe.whitelist(methods=["POST"])
def take_ticket(ticket: str) -> dict[str, Any]:
	"""Makes a ticket one's own and begins it."""
	document = frappe.get_doc("Voice Support Ticket", ticket, for_update=True)
	document.check_permission("write")
	document.assigned_to = frappe.session.user
	if document.status == "Open":
		document.status = "In Progress"
	document.save()
	return {"name": document.name, "status": document.status, "assigned_to": document.assigned_to}
