"""The life of a call's record.

The gateway knows seven states of a call, the record three. A record that is final stays as it is.
"""

from datetime import datetime

from voice_agent.domain.refusal import EndBeforeStart, Refusal, SessionIsOver

TYPES = ("Restaurant", "Appointment", "Support", "General")
STATUSES = ("Active", "Completed", "Failed")
FINAL = frozenset({"Completed", "Failed"})

_STATUS_OF_STATE = {
	"initializing": "Active",
	"ready": "Active",
	"active": "Active",
	"ending": "Active",
	"completed": "Completed",
	"failed": "Failed",
	"abandoned": "Failed",
}


class UnknownState(Refusal):
	"""Not a state of a call."""

	reason = "unknown_state"


def status_of(state: str) -> str:
	"""The record's status for a state of the gateway's call."""
	status = _STATUS_OF_STATE.get(state)
	if status is None:
		raise UnknownState("That is not a state of a call.", states=sorted(_STATUS_OF_STATE))
	return status


def check_change(old: str | None, new: str) -> None:
	"""Refuses to leave a final status. `old` is None for a new record, which may begin anywhere."""
	if old in FINAL and new != old:
		raise SessionIsOver(f"A {old} session cannot become {new}.")


def duration(start: datetime | None, end: datetime | None) -> int:
	"""Whole seconds of the call; 0 while it lasts."""
	if start is None or end is None:
		return 0
	seconds = int((end - start).total_seconds())
	if seconds < 0:
		raise EndBeforeStart("A call cannot end before it began.")
	return seconds
