"""The few things that hold for the whole business."""

import frappe

_DOCTYPE = "Business Workflow Settings"


def currency() -> str:
	"""The currency of all prices."""
	return frappe.get_cached_doc(_DOCTYPE).currency or "GBP"


def phone_region() -> str:
	"""The region whose national numbers callers say."""
	return frappe.get_cached_doc(_DOCTYPE).phone_region or "GB"


def delivery_minutes() -> int:
	"""Minutes on the road."""
	return frappe.get_cached_doc(_DOCTYPE).delivery_minutes or 0


def hold_seconds() -> int:
	"""How long offered times are held, unless the call says otherwise."""
	return frappe.get_cached_doc(_DOCTYPE).hold_seconds or 0
