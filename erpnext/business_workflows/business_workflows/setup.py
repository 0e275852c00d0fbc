"""First steps on a site: the series of order numbers, and a business to try things with."""

import json
from pathlib import Path

import frappe
from frappe.model.naming import NamingSeries

#: Spoken on the phone, so it is short: VO-0001.
ORDER_SERIES = "VO-.####"


def after_install() -> None:
	"""Creates the row of the series, so that two first orders do not create it at once."""
	NamingSeries(ORDER_SERIES).update_counter(0)


def load_example() -> None:
	"""A pizzeria, a salon and a support desk, as in the demo. Existing documents stay as they are.

	For the command line: `bench --site SITE execute business_workflows.setup.load_example`.
	"""
	example = json.loads(Path(__file__).with_name("example.json").read_text())
	for document in example["documents"]:
		found = frappe.db.exists(document["doctype"], document["name"])
		if not found:
			frappe.get_doc(document).insert()
	for kind in example["configs"]:
		config = frappe.get_doc("Voice Config", kind.pop("business_type"))
		config.update(kind)
		config.save()
