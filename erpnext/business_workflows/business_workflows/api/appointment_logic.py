"""Appointments, for the voice agent's gateway: services, free times, holding, booking, cancelling.

Trust: a caller is a user with the role Voice Gateway, never a visitor. Two callers never get one time: every method
that writes takes the calendar's lock first (see `business_workflows.calendar`).
"""

from typing import Any

import frappe
from frappe.utils import now_datetime

from business_workflows import calendar, commands, settings
from business_workflows.domain import slots
from business_workflows.domain.refusal import SlotTaken
from business_workflows.domain.slots import Service
from voice_agent.domain import text, when
from voice_agent.refusals import answered

_DOCTYPE = "Voice Appointment"
#: Times offered, unless asked otherwise; the most: a day's worth.
_OFFERS, _MOST_OFFERS = 5, 16


@frappe.whitelist(methods=["POST"])
def get_services() -> dict[str, Any]:
	"""What can be booked."""
	frappe.has_permission(_DOCTYPE, "read", throw=True)
	offered = frappe.get_all(
		"Appointment Service",
		filters={"enabled": 1},
		fields=["name as service_type", "service_name", "aliases", "duration", "price"],
		order_by="position asc, creation asc",
		limit=0,
	)
	currency = settings.currency()
	return {
		"services": [{**row, "aliases": text.lines(row.aliases), "currency": currency} for row in offered]
	}


@frappe.whitelist(methods=["POST"])
def get_availability(
	session_id: str,
	service_type: str,
	date: str | None = None,
	hold_seconds: int | None = None,
	limit: int | None = None,
) -> dict[str, Any]:
	"""Free times, of one day or the next ones, held for this session. What it held before is given back."""
	frappe.has_permission(_DOCTYPE, "read", throw=True)
	with answered():
		name = text.key(session_id)
		document = calendar.find_service(service_type)
		day = when.read_date(date) if date else None
		service = calendar.load(document)
		calendar.lock()
		found = calendar.find_free(service, name, _bounded(limit), only_day=day)
		until = calendar.hold(name, service, found, _seconds(hold_seconds))
	return {
		**_describe(document),
		"slots": calendar.wire(found),
		"held_until": when.write_time(until) if until else None,
		"reason": None if found else _why_none(service, day),
	}


@frappe.whitelist(methods=["POST"])
def hold_slot(
	session_id: str, service_type: str, start: str, hold_seconds: int | None = None
) -> dict[str, Any]:
	"""Holds one time for this session, in place of what it held before."""
	frappe.has_permission(_DOCTYPE, "create", throw=True)
	with answered():
		name = text.key(session_id)
		document = calendar.find_service(service_type)
		service, at = calendar.load(document), when.read_time(start)
		calendar.lock()
		found = calendar.find_free(service, name, 1, only_day=at.date(), not_before=at)
		if not found or found[0].start != at:
			refusal = SlotTaken("That time has just been taken.")
			refusal.details["alternatives"] = calendar.near(service, name, at)
			raise refusal
		until = calendar.hold(name, service, found, _seconds(hold_seconds))
	return {
		**_describe(document),
		**calendar.wire(found)[0],
		"held_until": when.write_time(until) if until else None,
	}


@frappe.whitelist(methods=["POST"])
def release_holds(session_id: str) -> dict[str, Any]:
	"""Gives back what a session holds."""
	frappe.has_permission(_DOCTYPE, "create", throw=True)
	with answered():
		name = text.key(session_id)
	calendar.lock()
	return {"session_id": name, "released": calendar.release(name)}


@frappe.whitelist(methods=["POST"])
def book_appointment(
	idempotency_key: str,
	session_id: str,
	customer_name: str,
	service_type: str,
	start: str,
	customer_phone: str | None = None,
) -> dict[str, Any]:
	"""Books a time, once for each key."""
	with answered():
		details = {
			"customer_name": customer_name,
			"customer_phone": customer_phone,
			"service_type": calendar.find_service(service_type).name,
			"start": when.write_time(when.read_time(start)),
		}
		document, created = commands.once(
			_DOCTYPE, idempotency_key, details, {**details, "session_id": session_id}
		)
	booked = commands.answer(
		document, "doctype", "name", "status", "service_name", "start", "end", "price", "currency"
	)
	booked.update({field: when.write_time(when.read_time(booked[field])) for field in ("start", "end")})
	return {**booked, "created": created}


@frappe.whitelist(methods=["POST"])
def cancel_appointment(
	idempotency_key: str, session_id: str, appointment: str, reason: str | None = None
) -> dict[str, Any]:
	"""Cancels an appointment. To cancel it again changes nothing, whatever the key."""
	with answered():
		text.key(idempotency_key)
		text.key(session_id)
		name = commands.look_up(_DOCTYPE, appointment).name
		document = frappe.get_doc(_DOCTYPE, name, for_update=True)
		created = document.status != "Cancelled"
		if created:
			document.status = "Cancelled"
			document.cancel_reason = text.prose(reason, "reason") if reason else None
			document.save()
	return {**commands.answer(document, "doctype", "name", "status"), "created": created}


def _describe(service) -> dict[str, Any]:
	return {
		"service_type": service.name,
		"service_name": service.service_name,
		"duration": service.duration,
		"price": service.price,
		"currency": settings.currency(),
	}


def _bounded(limit: int | None) -> int:
	return min(max(_OFFERS if limit is None else limit, 1), _MOST_OFFERS)


def _seconds(asked: int | None) -> int:
	seconds = settings.hold_seconds() if asked is None else asked
	return min(max(seconds, 0), calendar.MAX_HOLD_SECONDS)


def _why_none(service: Service, day) -> str:
	"""Why a day has no free time, for the agent to say."""
	return slots.why_none(service, day, now_datetime()) if day else SlotTaken.reason
