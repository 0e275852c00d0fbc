"""First steps on a site: a configuration for each kind of business, and the gateway's machine user."""

import frappe

from voice_agent.domain import opening, session

_GATEWAY = "Voice Gateway"

_PROMPTS = {
	"Restaurant": "You take orders for a restaurant. Read every order back with its total before you place it.",
	"Appointment": "You book appointments. Offer free times, and confirm day and time before you book.",
	"Support": "You take support requests. Ask what happened and since when, then create a ticket.",
	"General": "You answer questions about the business and take messages.",
}


def after_install() -> None:
	"""One configuration for each kind of business, with usual opening hours. Existing ones stay as they are."""
	for kind in session.TYPES:
		if not frappe.db.exists("Voice Config", kind):
			frappe.get_doc(
				{
					"doctype": "Voice Config",
					"business_type": kind,
					"business_name": kind,
					"prompt": _PROMPTS[kind],
					"opening_hours": [
						{"day": day, "opens": "09:00:00", "closes": "17:00:00"}
						for day in opening.WEEKDAYS[:6]
					],
				}
			).insert()


def create_gateway_user(email: str) -> None:
	"""Makes the machine user, or gives it a new secret, and prints its token once.

	For the command line: `bench --site SITE execute voice_agent.setup.create_gateway_user --args "['EMAIL']"`.
	"""
	if frappe.db.exists("User", email):
		user = frappe.get_doc("User", email)
	else:
		user = frappe.new_doc("User", email=email, first_name="Voice Gateway", send_welcome_email=0)
	# A machine has no desk. It must be said before the first save: Frappe makes the first user with one a System
	# Manager, if the site has no other.
	user.user_type = "Website User"
	user.set("roles", [{"role": _GATEWAY}])
	user.save()
	if [row.role for row in user.roles] != [_GATEWAY]:
		frappe.throw(frappe._("{0} has other roles than {1}.").format(email, _GATEWAY))
	secret = frappe.generate_hash(length=32)
	user.api_key = user.api_key or frappe.generate_hash(length=16)
	user.api_secret = secret
	user.save()
	print(f"{user.api_key}:{secret}")
