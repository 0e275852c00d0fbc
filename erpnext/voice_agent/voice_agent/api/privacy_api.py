"""What a caller may ask of the business: everything that is known of them, and that it be cleared.

Callers are known by their telephone number. Only a manager (who may export and delete calls) may ask on their behalf,
after having made sure who it is.
"""

from typing import Any

import frappe

from voice_agent import privacy
from voice_agent.domain import phone as phones
from voice_agent.refusals import answered

_DOCTYPE = "Voice Session"


@frappe.whitelist(methods=["POST"])
def export_person(phone: str) -> dict[str, Any]:
	"""All documents of a telephone number, by doctype."""
	frappe.has_permission(_DOCTYPE, "export", throw=True)
	number = _international(phone)
	return {"phone": number, "documents": privacy.find(number)}


@frappe.whitelist(methods=["POST"])
def erase_person(phone: str) -> dict[str, Any]:
	"""Clears the personal data of a telephone number. The documents stay, without the person."""
	frappe.has_permission(_DOCTYPE, "delete", throw=True)
	number = _international(phone)
	return {"phone": number, "cleared": privacy.erase(number)}


def _international(phone: str) -> str:
	"""A number with its country: whose data it is must not depend on where the site is."""
	with answered():
		return phones.normalise(phone, "ZZ")
