"""Support tickets, for the voice agent's gateway: categories, a new ticket, its status.

Trust: a caller is a user with the role Voice Gateway, never a visitor. Who gets a ticket and by when is decided by its
category.
"""

from typing import Any

import frappe

from business_workflows import commands
from business_workflows.domain import support
from voice_agent.refusals import answered

_DOCTYPE = "Voice Support Ticket"
_STATUS = ("doctype", "name", "status", "category", "priority")


@frappe.whitelist(methods=["POST"])
def get_categories() -> dict[str, Any]:
	"""What a request can be about."""
	frappe.has_permission(_DOCTYPE, "read", throw=True)
	return {"categories": _categories()}


@frappe.whitelist(methods=["POST"])
def create_ticket(
	idempotency_key: str,
	session_id: str,
	customer_name: str,
	issue_description: str,
	customer_phone: str | None = None,
	category: str | None = None,
	priority: str | None = None,
) -> dict[str, Any]:
	"""Creates a ticket, once for each key. Without a category it goes to the first one."""
	with answered():
		support.check_priority(priority)
		details = {
			"customer_name": customer_name,
			"customer_phone": customer_phone,
			"issue_description": issue_description,
			"category": support.find_category(category, [row.category for row in _categories()]),
			"priority": priority or None,
		}
		document, created = commands.once(
			_DOCTYPE, idempotency_key, details, {**details, "session_id": session_id}
		)
	return {**commands.answer(document, *_STATUS), "created": created}


@frappe.whitelist(methods=["POST"])
def ticket_status(ticket: str) -> dict[str, Any]:
	"""Where a ticket is."""
	with answered():
		return commands.answer(commands.look_up(_DOCTYPE, ticket), *_STATUS)


def _categories():
	"""All categories, the one that is taken without a name first."""
	return frappe.get_all(
		"Support Category",
		fields=["name as category", "description", "default_priority"],
		order_by="position asc, creation asc",
		limit=0,
	)
