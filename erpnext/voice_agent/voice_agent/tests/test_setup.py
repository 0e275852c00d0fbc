from contextlib import redirect_stdout
from io import StringIO

import frappe

from voice_agent import setup
from voice_agent.tests.case import SiteTestCase, fresh


class TestSetup(SiteTestCase):
	def token(self, email):
		printed = StringIO()
		with redirect_stdout(printed):
			setup.create_gateway_user(email)
		return printed.getvalue().strip()

	def test_the_machine_user_has_one_role_and_no_desk(self):
		email = f"{fresh('gateway')}@example.com"
		key, secret = self.token(email).split(":")
		user = frappe.get_doc("User", email)
		self.assertEqual([row.role for row in user.roles], ["Voice Gateway"])
		self.assertEqual((user.user_type, user.api_key), ("Website User", key))
		self.assertEqual(user.get_password("api_secret"), secret)

	def test_asking_again_gives_another_secret_and_takes_other_roles_away(self):
		email = f"{fresh('gateway')}@example.com"
		first = self.token(email)
		frappe.get_doc("User", email).add_roles("Voice Agent Manager")
		second = self.token(email)
		self.assertEqual(first.split(":")[0], second.split(":")[0])
		self.assertNotEqual(first, second)
		self.assertEqual([row.role for row in frappe.get_doc("User", email).roles], ["Voice Gateway"])
