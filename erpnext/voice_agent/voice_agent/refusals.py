"""From a rule's no to Frappe's exception.

The rules in `domain/` know nothing of Frappe. Here their refusals become the exception that they name, with `reason`,
`say` and the details in the body of the answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe
from frappe.utils import escape_html

from voice_agent.domain.refusal import Refusal


@contextmanager
def answered() -> Iterator[None]:
	"""Turns a refusal into the answer of the request."""
	try:
		yield
	except Refusal as refusal:
		frappe.local.response.update({**refusal.details, "reason": refusal.reason, "say": refusal.say})
		frappe.throw(escape_html(refusal.say), frappe.get_attr(refusal.exception))
