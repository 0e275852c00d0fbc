"""News of a document's new status, on its way to the gateway.

An event is a row of *Voice Status Event*, written in the transaction that changes the document: what is committed is
sent, what is rolled back is not. A job sends it after the commit; the scheduler takes up what that job did not
finish. The gateway drops what it has seen, by the event's id. No personal data passes through here.
"""

import frappe
import requests
from frappe.model.document import Document
from frappe.utils import add_days, get_datetime, now_datetime

from voice_agent.domain import status_event as rules
from voice_agent.domain.status_event import SIGNATURE_HEADER, StatusEvent
from voice_agent.domain.when import write_stamp

#: Seconds for one try: connecting, and each pause in the answer.
_TIMEOUT = (3, 5)
#: Events that one run of the scheduler takes up.
_BATCH = 200
#: Delivered news is kept this many days for those who look for it.
_KEEP_DAYS = 30


def announce(document: Document, business_type: str) -> None:
	"""Writes the news of the document's present status, unless nobody listens for this kind of business."""
	if not frappe.db.get_value("Voice Config", business_type, "webhook_enabled", cache=True):
		return
	event = _event_of(document)
	row = frappe.get_doc(
		{
			"doctype": "Voice Status Event",
			"event_id": event.event_id,
			"business_type": business_type,
			"reference_doctype": event.doctype,
			"reference_document": event.name,
			"document_status": event.status,
			"session_id": event.session_id,
			"order_number": event.order_number,
			"estimated_time": event.estimated_time,
			"has_estimated_time": event.estimated_time is not None,
			"document_modified": event.modified,
			"next_try": now_datetime(),
		}
	)
	# Whoever may change the document causes news of it, but has no right on the outbox, and must not have one.
	row.insert(ignore_permissions=True)
	_enqueue(row.name)


def _event_of(document: Document) -> StatusEvent:
	return StatusEvent(
		doctype=document.doctype,
		name=document.name,
		status=document.status,
		session_id=document.session_id,
		modified=write_stamp(document.modified),
		order_number=document.get("order_number"),
		estimated_time=document.get("estimated_time"),
	)


def _enqueue(name: str) -> None:
	frappe.enqueue(
		"voice_agent.outbox.deliver",
		queue="short",
		job_id=f"voice-status-event-{name}",
		deduplicate=True,
		enqueue_after_commit=True,
		status_event=name,
	)


def deliver(status_event: str) -> None:
	"""Sends one event, once at a time. Safe to call again."""
	row = frappe.get_doc("Voice Status Event", status_event, for_update=True)
	if row.state != "Pending":
		return
	event = StatusEvent(
		doctype=row.reference_doctype,
		name=row.reference_document,
		status=row.document_status,
		session_id=row.session_id or "",
		modified=row.document_modified,
		order_number=row.order_number,
		estimated_time=row.estimated_time if row.has_estimated_time else None,
	)
	answer = post(row.business_type, event)
	tries = row.tries + 1
	if isinstance(answer, int) and rules.delivered(answer):
		outcome = {"state": "Delivered", "delivered_at": now_datetime(), "next_try": None}
	else:
		again = rules.next_try(tries, now_datetime())
		outcome = {"state": "Pending" if again else "Lost", "next_try": again}
	row.db_set({**outcome, "tries": tries, "last_answer": str(answer)})


def post(business_type: str, event: StatusEvent, kind: str = rules.UPDATED) -> int | str:
	"""One signed try: the answer's HTTP status, or what kept it from coming."""
	config = frappe.get_cached_doc("Voice Config", business_type)
	secret = config.get_password("webhook_secret", raise_exception=False)
	if not (config.webhook_enabled and config.webhook_url and secret):
		return "not configured"
	body = event.body(now_datetime(), kind)
	headers = {"Content-Type": "application/json", SIGNATURE_HEADER: rules.sign(secret, body)}
	try:
		answer = requests.post(
			config.webhook_url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
		)
	except requests.RequestException as error:
		return type(error).__name__
	return answer.status_code


def resume() -> None:
	"""Takes up the events that are due and have no job."""
	due = frappe.get_all(
		"Voice Status Event",
		filters={"state": "Pending", "next_try": ["<=", now_datetime()]},
		pluck="name",
		order_by="creation asc",
		limit=_BATCH,
	)
	for name in due:
		_enqueue(name)


def clean() -> None:
	"""Removes news that was delivered long ago. What was lost stays until somebody looks."""
	before = add_days(get_datetime(), -_KEEP_DAYS)
	frappe.db.delete("Voice Status Event", {"state": "Delivered", "delivered_at": ["<", before]})
