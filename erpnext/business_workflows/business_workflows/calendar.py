"""The calendar: who serves when, with its locks.

Two callers want one time at the same moment. Each transaction first locks the resources' rows, and then reads
appointments and holds with a *locking* read: a plain read would still show the calendar as it was before the lock was
waited for (REPEATABLE READ), and book twice. Whoever comes second sees the first one's appointment and is refused.

All resources are locked, in the order of their names, by whoever writes an appointment's time or a hold. Locking only
those that could serve would let two bookings of different people lock gaps of one index and then wait for each other;
a booking takes some 30 ms, so one lock is no bottleneck for a calendar. The rows are never changed while it is held.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import frappe
from frappe.model.document import Document
from frappe.utils import add_to_date, get_system_timezone, now_datetime

from business_workflows.domain import slots
from business_workflows.domain.refusal import SlotTaken, UnknownService
from business_workflows.domain.slots import Busy, Service, Slot
from business_workflows.domain.states import takes_time
from voice_agent.domain import session as sessions
from voice_agent.domain import text, when
from voice_agent.domain.opening import Hours

#: Times named when the wanted one cannot be had.
ALTERNATIVES = 3
#: Days whose calendar is read at a time while free times are looked for.
_CHUNK_DAYS = 7
#: The longest hold: a caller who thinks longer asks again.
MAX_HOLD_SECONDS = 600


def find_service(said: str) -> Document:
	"""The service of that name or alias."""
	offered = frappe.get_all(
		"Appointment Service",
		filters={"enabled": 1},
		fields=["name", "service_name", "aliases"],
		order_by="position asc, creation asc",
		limit=0,
	)
	wanted = text.said(said)
	for row in offered:
		if wanted and wanted in {
			text.said(w) for w in (row.name, row.service_name, *text.lines(row.aliases))
		}:
			return frappe.get_cached_doc("Appointment Service", row.name)
	raise UnknownService("That service is not offered.", services=[row.name for row in offered])


def load(service: Document) -> Service:
	"""A service's document as the rules need it."""
	enabled = set(frappe.get_all("Appointment Resource", filters={"enabled": 1}, pluck="name", limit=0))
	return Service(
		name=service.name,
		duration=service.duration,
		hours=_hours(service),
		resources=tuple(row.resource for row in service.resources if row.resource in enabled),
		step=service.step or service.duration,
		buffer_before=service.buffer_before,
		buffer_after=service.buffer_after,
		first_day=service.first_day,
		horizon=service.horizon,
	)


def _hours(service: Document) -> Hours:
	general = frappe.get_cached_doc("Voice Config", "Appointment").hours()
	if not service.opening_hours:
		return general
	own = [
		(row.day, when.read_clock(str(row.opens)), when.read_clock(str(row.closes)))
		for row in service.opening_hours
	]
	return Hours.of(own, general.holidays)


def lock() -> None:
	"""Waits until nobody else books, holds or releases; until the transaction ends, nobody does."""
	resource = frappe.qb.DocType("Appointment Resource")
	frappe.qb.from_(resource).select(resource.name).orderby(resource.name).for_update().run()


def busy(
	service: Service, start: datetime, end: datetime, session_id: str, but: str | None = None
) -> list[Busy]:
	"""What occupies the service's resources between two times: appointments but one, and others' holds.

	To be called after `lock`: both reads are locking reads, so they see what was committed while the lock was waited
	for.
	"""
	resources = service.resources or ("",)
	appointment = frappe.qb.DocType("Voice Appointment")
	booked = (
		frappe.qb.from_(appointment)
		.select(
			appointment.name,
			appointment.resource,
			appointment.busy_from,
			appointment.busy_until,
			appointment.status,
		)
		.where(appointment.resource.isin(resources))
		.where(appointment.busy_from < end)
		.where(appointment.busy_from > start - timedelta(minutes=slots.LONGEST_MINUTES))
		.where(appointment.busy_until > start)
		.for_update()
		.run(as_dict=True)
	)
	taken = [
		Busy(row.resource, row.busy_from, row.busy_until)
		for row in booked
		if row.name != but and takes_time(row.status)
	]
	return taken + _held(resources, start, end, session_id)


def _held(resources: Sequence[str], start: datetime, end: datetime, session_id: str) -> list[Busy]:
	hold, held = frappe.qb.DocType("Voice Slot Hold"), frappe.qb.DocType("Voice Held Slot")
	rows = (
		frappe.qb.from_(held)
		.join(hold)
		.on(hold.name == held.parent)
		.select(held.resource, held.busy_from, held.busy_until)
		.where(held.resource.isin(resources))
		.where(held.busy_from < end)
		.where(held.busy_until > start)
		.where(hold.expires_at > now_datetime())
		.where(hold.name != session_id)
		.for_update()
		.run(as_dict=True)
	)
	return [Busy(row.resource, row.busy_from, row.busy_until) for row in rows]


def find_free(
	service: Service,
	session_id: str,
	limit: int,
	only_day: date | None = None,
	not_before: datetime | None = None,
) -> list[Slot]:
	"""The first free times, on one day or from some time on. To be called after `lock`."""
	now = now_datetime()
	first = only_day or (not_before.date() if not_before else None)
	bookable = slots.days(service, now, first)
	days = [day for day in bookable if only_day in (None, day)]
	return slots.first(_free(service, session_id, days, now, not_before), limit)


def _free(
	service: Service, session_id: str, days: Sequence[date], now: datetime, not_before: datetime | None
) -> Iterator[Slot]:
	for at in range(0, len(days), _CHUNK_DAYS):
		chunk = days[at : at + _CHUNK_DAYS]
		start = datetime.combine(chunk[0], datetime.min.time()) - timedelta(days=1)
		taken = busy(service, start, start + timedelta(days=len(chunk) + 2), session_id)
		for day in chunk:
			yield from slots.free(service, day, taken, now, not_before)


def claim(appointment: Document) -> None:
	"""Finds the appointment's resource and writes down what it occupies, or refuses with times nearby."""
	service = load(frappe.get_cached_doc("Appointment Service", appointment.service_type))
	start = when.read_time(appointment.start)
	when.require_clear(start, get_system_timezone())
	lock()
	_require_first(appointment)
	wanted = appointment.resource
	try:
		slots.check_open(service, start, now_datetime())
		begin, end = service.occupied(start)
		taken = busy(service, begin, end, appointment.session_id, appointment.name)
		resource = slots.place(service, start, taken, wanted or held_resource(appointment.session_id, start))
		# Who names a resource wants that one and no other.
		if resource is None or (wanted and resource != wanted):
			raise SlotTaken("That time has just been taken.")
	except SlotTaken as refusal:
		refusal.details["alternatives"] = near(service, appointment.session_id, start)
		raise
	appointment.update(
		{
			"resource": resource,
			"start": start,
			"end": service.end(start),
			"busy_from": begin,
			"busy_until": end,
		}
	)


def _require_first(appointment: Document) -> None:
	"""A repeat that waited for the lock must meet its own appointment, not be told that its time is taken."""
	if appointment.is_new() and frappe.db.get_value(
		"Voice Appointment", appointment.name, "name", for_update=True
	):
		raise frappe.DuplicateEntryError("Voice Appointment", appointment.name)


def near(service: Service, session_id: str, start: datetime) -> list[dict[str, str]]:
	"""Times to offer instead of one that cannot be had: after it, or else the first ones. To be called after `lock`."""
	later = find_free(service, session_id, ALTERNATIVES, not_before=start)
	return wire(later or find_free(service, session_id, ALTERNATIVES))


def wire(found: Sequence[Slot]) -> list[dict[str, str]]:
	"""Times as the API has them."""
	return [{"start": when.write_time(slot.start), "end": when.write_time(slot.end)} for slot in found]


def hold(session_id: str, service: Service, found: Sequence[Slot], seconds: int) -> datetime | None:
	"""Holds times for a session in place of those it held before. To be called after `lock`."""
	if not found or seconds <= 0:
		release(session_id)
		return None
	until = add_to_date(now_datetime(), seconds=min(seconds, MAX_HOLD_SECONDS)).replace(microsecond=0)
	document = _hold_of(session_id) or frappe.get_doc(
		{"doctype": "Voice Slot Hold", "session_id": session_id}
	)
	document.update({"service_type": service.name, "expires_at": until, "slots": []})
	for slot in found:
		begin, end = service.occupied(slot.start)
		document.append(
			"slots",
			{
				"resource": slot.resource,
				"start": slot.start,
				"end": slot.end,
				"busy_from": begin,
				"busy_until": end,
			},
		)
	document.save()
	return until


def held_resource(session_id: str, start: datetime) -> str | None:
	"""The resource that a session holds at that time."""
	document = _hold_of(session_id)
	if document is None or document.expires_at <= now_datetime():
		return None
	return next((slot.resource for slot in document.slots if slot.start == start), None)


def release(session_id: str) -> bool:
	"""Gives back what a session holds; False when it held nothing. The row stays until it is cleaned up: nobody in a
	call may delete. To be called after `lock`."""
	document = _hold_of(session_id)
	if document is None or not document.slots:
		return False
	document.update({"expires_at": now_datetime(), "slots": []})
	document.save()
	return True


def _hold_of(session_id: str) -> Document | None:
	if not frappe.db.get_value("Voice Slot Hold", session_id, "name", for_update=True):
		return None
	return frappe.get_doc("Voice Slot Hold", session_id, for_update=True)


def release_when_over(session: Document, method: str | None = None) -> None:
	"""Hook of Voice Session: what the call held is free when it has ended."""
	over = session.status in sessions.FINAL and session.has_value_changed("status")
	if over and frappe.db.exists("Voice Slot Hold", session.name):
		lock()
		release(session.name)


def clean() -> None:
	"""Removes holds that expired."""
	lock()
	before = add_to_date(now_datetime(), minutes=-10)
	for name in frappe.get_all("Voice Slot Hold", filters={"expires_at": ["<", before]}, pluck="name"):
		frappe.delete_doc("Voice Slot Hold", name)
