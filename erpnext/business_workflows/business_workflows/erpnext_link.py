"""ERPNext's own documents for ours, where ERPNext is installed and the settings ask for it.

A scheduled job makes them, not the call: a caller never waits for a Sales Order, and the machine user needs no rights
in ERPNext. Each is made in its own savepoint; what cannot be made is logged and tried again by the next run as long as
the document is recent. Ours work without them.
"""

from collections.abc import Callable

import frappe
from frappe.model.document import Document
from frappe.utils import add_days, nowdate

_SETTINGS = "Business Workflow Settings"
#: Documents of one kind in one run.
_BATCH = 50
#: Older ones are left alone: their books are closed.
_DAYS = 7


def is_wanted() -> bool:
	"""Whether ERPNext is there and the settings ask for links."""
	installed = "erpnext" in frappe.get_installed_apps()
	return installed and bool(frappe.get_cached_doc(_SETTINGS).link_to_erpnext)


def link_recent() -> None:
	"""Links recent documents that have no counterpart yet: customers first, because the others name them."""
	if not is_wanted():
		return
	for doctype, make in _MAKERS.items():
		for name in _unlinked(doctype):
			_link(frappe.get_doc(doctype, name), make)


def _unlinked(doctype: str) -> list[str]:
	return frappe.get_all(
		doctype,
		filters={"erpnext_document": ["is", "not set"], "creation": [">", add_days(nowdate(), -_DAYS)]},
		pluck="name",
		order_by="creation asc",
		limit=_BATCH,
	)


def _link(document: Document, make: Callable[[Document], Document | None]) -> None:
	savepoint = "voice_erpnext_link"
	frappe.db.savepoint(savepoint)
	try:
		made = make(document)
	except frappe.ValidationError:
		frappe.db.rollback(save_point=savepoint)
		frappe.log_error(title=f"No ERPNext document for {document.doctype}")
		return
	if made:
		document.db_set(
			{"erpnext_doctype": made.doctype, "erpnext_document": made.name}, update_modified=False
		)


def _customer(profile: Document) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Customer",
			# Two people of one name are two customers: ERPNext adds a number to the name.
			"customer_name": profile.customer_name or profile.phone,
			"customer_type": "Individual",
			"mobile_no": profile.phone,
		}
	).insert()


def _issue(ticket: Document) -> Document:
	return frappe.get_doc(
		{
			"doctype": "Issue",
			"subject": ticket.issue_description[:140],
			"description": ticket.issue_description,
			"priority": ticket.priority if frappe.db.exists("Issue Priority", ticket.priority) else None,
			"customer": _customer_of(ticket),
		}
	).insert()


def _sales_order(order: Document) -> Document | None:
	"""A draft: the books are an accountant's. An item of the menu without its ERPNext Item keeps the order out."""
	customer = _customer_of(order)
	items = [_sales_line(row) for row in order.items]
	if customer is None or None in items:
		return None
	return frappe.get_doc(
		{
			"doctype": "Sales Order",
			"company": frappe.get_cached_doc(_SETTINGS).erpnext_company or None,
			"customer": customer,
			"currency": order.currency,
			"delivery_date": nowdate(),
			"po_no": order.order_number,
			"items": items,
		}
	).insert()


def _sales_line(row: Document) -> dict | None:
	item = frappe.db.get_value(
		"Restaurant Menu Item", row.menu_item, ["erpnext_doctype", "erpnext_document"], as_dict=True
	)
	if not item or item.erpnext_doctype != "Item":
		return None
	return {"item_code": item.erpnext_document, "qty": row.quantity, "rate": row.unit_price}


def _customer_of(document: Document) -> str | None:
	if not document.customer_phone:
		return None
	return frappe.db.get_value("Voice Customer Profile", document.customer_phone, "erpnext_document")


_MAKERS: dict[str, Callable[[Document], Document | None]] = {
	"Voice Customer Profile": _customer,
	"Voice Support Ticket": _issue,
	"Voice Restaurant Order": _sales_order,
}
