"""What the API raises: the name is the answer's `exc_type`, the number its HTTP status."""

import frappe


class UnknownMenuItem(frappe.ValidationError):
	"""The body's `unknown` lists what is not on the menu."""


class ItemUnavailable(frappe.ValidationError):
	"""The body's `unavailable` lists what is sold out."""


class UnknownService(frappe.ValidationError):
	"""The body's `services` lists what is offered."""


class UnknownCategory(frappe.ValidationError):
	"""The body's `categories` lists what a request can be about."""


class QuoteChanged(frappe.ValidationError):
	"""The body has the present `total_amount` and `currency`."""

	http_status_code = 409


class SlotTaken(frappe.ValidationError):
	"""The body's `alternatives` lists free times nearby, its `reason` says why this one is not."""

	http_status_code = 409


class KeyReused(frappe.ValidationError):
	"""The idempotency key belongs to another command."""

	http_status_code = 409


class UnknownDocument(frappe.ValidationError):
	"""There is no such document."""

	http_status_code = 404
