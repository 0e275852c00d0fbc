"""The base of the tests that run on a site, and what they need there.

Frappe 15 rolls back once per class, 16 has other classes: tests never reuse a name.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import frappe

try:
	from frappe.tests import IntegrationTestCase
except ImportError:
	from frappe.tests.utils import FrappeTestCase as IntegrationTestCase


class SiteTestCase(IntegrationTestCase):
	"""A test on a site. It ends as the user that it began with."""

	def tearDown(self):
		frappe.set_user("Administrator")
		super().tearDown()


def fresh(prefix: str) -> str:
	"""A name that no test had before."""
	return f"{prefix}-{frappe.generate_hash(length=12)}"


def user_with(*roles: str) -> str:
	"""A new user with these roles and no others. Frappe makes the first user with a desk a System Manager if the site
	has no other; a Website User it leaves alone, and gives them the desk by their roles afterwards."""
	user = frappe.get_doc(
		{
			"doctype": "User",
			"email": f"{fresh('voice')}@example.com",
			"first_name": "Test",
			"send_welcome_email": 0,
			"user_type": "Website User",
			"roles": [{"role": role} for role in roles],
		}
	).insert()
	assert {row.role for row in user.roles} == set(roles)
	return user.name


@contextmanager
def acting_as(user: str) -> Iterator[None]:
	"""What is inside is done with this user's rights."""
	before = frappe.session.user
	frappe.set_user(user)
	try:
		yield
	finally:
		frappe.set_user(before)
