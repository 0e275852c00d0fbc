"""Which status may follow which.

Staff correct themselves, so a document moves freely between the statuses that are open; what is over stays over.
"""

from dataclasses import dataclass

from business_workflows.domain.refusal import InvalidStatus


@dataclass(frozen=True)
class Life:
	"""The statuses of a document, the first one first."""

	noun: str
	statuses: tuple[str, ...]
	final: frozenset[str]

	def check(self, old: str | None, new: str | None) -> None:
		"""Refuses to leave a final status; `old` is None for a new document. A word that is no status is left for the
		field's own check."""
		if old in self.final and new != old:
			raise InvalidStatus(f"A {old} {self.noun} cannot become {new}.")


ORDER = Life(
	"order",
	("Pending", "Confirmed", "Preparing", "Ready", "Out for Delivery", "Completed", "Cancelled"),
	frozenset({"Completed", "Cancelled"}),
)
APPOINTMENT = Life(
	"appointment",
	("Scheduled", "Confirmed", "Completed", "No Show", "Cancelled"),
	frozenset({"Completed", "No Show", "Cancelled"}),
)
TICKET = Life("ticket", ("Open", "In Progress", "Resolved", "Closed"), frozenset({"Closed"}))
MESSAGE = Life("message", ("Open", "Done"), frozenset({"Done"}))

#: One tap on the kitchen board.
_NEXT_IN_KITCHEN = {"Pending": "Confirmed", "Confirmed": "Preparing", "Preparing": "Ready"}


def next_in_kitchen(status: str, order_type: str) -> str | None:
	"""The status that one tap leads to; None at the end of the board."""
	if status == "Ready":
		return "Out for Delivery" if order_type == "Delivery" else "Completed"
	if status == "Out for Delivery":
		return "Completed"
	return _NEXT_IN_KITCHEN.get(status)


def takes_time(status: str | None) -> bool:
	"""Whether an appointment of this status keeps its place in the calendar."""
	return status not in (None, "Cancelled")
