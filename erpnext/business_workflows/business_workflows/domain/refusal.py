"""The refusals of orders, appointments and tickets.

The classes whose names go over the wire are those that the gateway knows; `reason` tells apart what they share.
"""

from voice_agent.domain.refusal import Refusal

_EXCEPTIONS = "business_workflows.exceptions"


class InvalidQuantity(Refusal):
	"""Not a whole number of pieces between 1 and the limit."""

	reason = "invalid_quantity"


class InvalidOrder(Refusal):
	"""An order without lines, with too many, or that cannot be delivered as it is."""

	reason = "invalid_order"


class UnknownMenuItem(Refusal):
	"""Something that is not on the menu."""

	reason = "unknown_menu_item"
	exception = f"{_EXCEPTIONS}.UnknownMenuItem"


class UnknownModifier(Refusal):
	"""A wish that the dish does not offer."""

	reason = "unknown_modifier"


class ItemUnavailable(Refusal):
	"""On the menu, but sold out."""

	reason = "item_unavailable"
	exception = f"{_EXCEPTIONS}.ItemUnavailable"


class QuoteChanged(Refusal):
	"""The caller agreed to another total."""

	reason = "quote_changed"
	exception = f"{_EXCEPTIONS}.QuoteChanged"


class UnknownService(Refusal):
	"""A service that is not offered."""

	reason = "unknown_service"
	exception = f"{_EXCEPTIONS}.UnknownService"


class SlotTaken(Refusal):
	"""Somebody else has the time, or holds it."""

	reason = "taken"
	exception = f"{_EXCEPTIONS}.SlotTaken"


class TooSoon(SlotTaken):
	"""In the past, or sooner than the business can prepare for."""

	reason = "too_soon"


class TooFar(SlotTaken):
	"""Beyond the last day that can be booked."""

	reason = "too_far"


class Holiday(SlotTaken):
	"""The business is closed on that day."""

	reason = "holiday"


class Closed(SlotTaken):
	"""Outside the opening hours, or not at one of the times that appointments begin."""

	reason = "closed"


class UnknownCategory(Refusal):
	"""A support request is about something that no category is for."""

	reason = "unknown_category"
	exception = f"{_EXCEPTIONS}.UnknownCategory"


class InvalidPriority(Refusal):
	"""No priority that a ticket can have."""

	reason = "invalid_priority"


class UnknownDocument(Refusal):
	"""No such order, appointment or ticket."""

	reason = "unknown_document"
	exception = f"{_EXCEPTIONS}.UnknownDocument"


class KeyReused(Refusal):
	"""An idempotency key that named another command before."""

	reason = "key_reused"
	exception = f"{_EXCEPTIONS}.KeyReused"


class InvalidStatus(Refusal):
	"""A step that the document cannot take from where it is."""

	reason = "invalid_status"
