"""What the business says no with.

A refusal is a rule's answer, not a fault: it has a reason for machines, a sentence that the voice agent can say as it
is, and details. It never holds what the caller said beyond the value that was refused, and it knows nothing of
Frappe: `exception` only names the class that goes over the wire.
"""

from typing import Any, ClassVar


class Refusal(Exception):
	"""A rule of the business was not met."""

	#: For programs; stable.
	reason: ClassVar[str] = "refused"
	#: The class whose name and HTTP status the caller of the API gets.
	exception: ClassVar[str] = "frappe.ValidationError"

	def __init__(self, say: str, **details: Any):
		super().__init__(say)
		self.say = say
		self.details = details


class InvalidTime(Refusal):
	"""Not a date and time of the form YYYY-MM-DD HH:MM:SS."""

	reason = "invalid_time"


class InvalidDate(Refusal):
	"""Not a date of the calendar, such as 31 June."""

	reason = "invalid_date"


class TimeHasZone(Refusal):
	"""A time that names a zone: everything here is in the site's zone."""

	reason = "time_zone"


class ClockChange(Refusal):
	"""A time that happens twice or not at all when the clocks change."""

	reason = "clock_change"


class InvalidPhone(Refusal):
	"""No telephone number in any known form."""

	reason = "invalid_phone"
	exception = "frappe.exceptions.InvalidPhoneNumberError"


class InvalidText(Refusal):
	"""A name or a text that is empty or too long."""

	reason = "invalid_text"


class InvalidKey(Refusal):
	"""An idempotency key that cannot be a document's name."""

	reason = "invalid_key"


class SessionIsOver(Refusal):
	"""A call that has ended cannot begin again."""

	reason = "session_is_over"


class EndBeforeStart(Refusal):
	"""A call cannot end before it began."""

	reason = "end_before_start"
