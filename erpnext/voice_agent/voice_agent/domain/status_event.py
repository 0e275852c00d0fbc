"""The news of a document's new status: its body, its signature, and when to try again.

The signature covers the whole body, and the body holds the event's id and the time of sending: a copy that is sent
later, or with other content, is told apart by whoever knows the secret. No personal data is in it.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from voice_agent.domain.when import write_time

SIGNATURE_HEADER = "X-Frappe-Webhook-Signature"
UPDATED = "voice_document.updated"
TEST = "voice_document.test"

#: Seconds before the second, third, … try; the last one repeats. Together with `MAX_TRIES` this is about a day, the
#: longest time a gateway may be away without losing news.
_WAITS = (5, 15, 60, 300, 900, 3600)
MAX_TRIES = 28


@dataclass(frozen=True)
class StatusEvent:
	"""One status of one document."""

	doctype: str
	name: str
	status: str
	session_id: str
	modified: str
	order_number: str | None = None
	estimated_time: int | None = None

	@property
	def event_id(self) -> str:
		"""Names the content: the same status of the same document has the same id however often it is sent."""
		return f"{self.doctype}:{self.name}:{self.modified}"

	def body(self, sent_at: datetime, event: str = UPDATED) -> bytes:
		"""The bytes to sign and to send."""
		fields = {
			"event": event,
			"event_id": self.event_id,
			"doctype": self.doctype,
			"name": self.name,
			"order_number": self.order_number,
			"status": self.status,
			"session_id": self.session_id,
			"estimated_time": self.estimated_time,
			"modified": self.modified,
			"sent_at": write_time(sent_at),
		}
		return json.dumps(fields).encode()


def sign(secret: str, body: bytes) -> str:
	"""base64 of HMAC-SHA256, as Frappe's own webhooks have it."""
	return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivered(status_code: int) -> bool:
	"""Whether the receiver took it. A redirect is not followed and counts as a refusal."""
	return 200 <= status_code < 300


def next_try(tries: int, now: datetime) -> datetime | None:
	"""When to try again after `tries` failures; None when it is enough."""
	if tries >= MAX_TRIES:
		return None
	wait = _WAITS[min(tries, len(_WAITS)) - 1] if tries > 0 else 0
	return now + timedelta(seconds=wait)
