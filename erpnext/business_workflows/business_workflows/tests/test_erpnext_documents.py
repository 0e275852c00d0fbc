"""The counterparts in ERPNext itself. They run on a site with ERPNext and a company, and nowhere else."""

import unittest

import frappe

from business_workflows import erpnext_link
from business_workflows.api import restaurant_logic, support_logic
from business_workflows.tests.business import dish, order
from voice_agent.tests.case import SiteTestCase, fresh

HAS_ERPNEXT = "erpnext" in frappe.get_installed_apps()


def number() -> str:
	"""A telephone number that no test had before."""
	return f"+4420794{int(frappe.generate_hash(length=8), 16) % 100000:05}"


@unittest.skipUnless(HAS_ERPNEXT, "needs ERPNext")
class TestErpnextDocuments(SiteTestCase):
	def setUp(self):
		super().setUp()
		company = frappe.get_all("Company", pluck="name", limit=1)
		if not company:
			self.skipTest("needs ERPNext's setup wizard to have run")
		settings = frappe.get_doc("Business Workflow Settings")
		settings.update({"link_to_erpnext": 1, "erpnext_company": company[0]})
		settings.save()

	def item(self) -> str:
		group = frappe.get_all("Item Group", filters={"is_group": 0}, pluck="name", limit=1)[0]
		return (
			frappe.get_doc(
				{
					"doctype": "Item",
					"item_code": fresh("item"),
					"item_group": group,
					"stock_uom": "Nos",
					"is_stock_item": 0,
				}
			)
			.insert()
			.name
		)

	def sold(self) -> str:
		"""A dish with its ERPNext Item."""
		name = dish(price=9.5)
		frappe.db.set_value(
			"Restaurant Menu Item", name, {"erpnext_doctype": "Item", "erpnext_document": self.item()}
		)
		return name

	def counterpart(self, doctype: str, name: str):
		kind, document = frappe.db.get_value(doctype, name, ["erpnext_doctype", "erpnext_document"])
		return frappe.get_doc(kind, document)

	def test_an_order_becomes_a_draft_sales_order_at_the_price_that_was_told(self):
		phone = number()
		command = order(self.sold(), customer_phone=phone, customer_name="Ada Lovelace")
		placed = restaurant_logic.place_order(**command)
		erpnext_link.link_recent()
		sales_order = self.counterpart("Voice Restaurant Order", placed["name"])
		self.assertEqual((sales_order.doctype, sales_order.docstatus), ("Sales Order", 0))
		self.assertEqual(sales_order.total, placed["total_amount"])
		self.assertEqual(sales_order.po_no, placed["order_number"])
		customer = self.counterpart("Voice Customer Profile", phone)
		self.assertEqual(sales_order.customer, customer.name)
		self.assertEqual(customer.customer_name, "Ada Lovelace")

	def test_a_second_run_makes_nothing_twice(self):
		restaurant_logic.place_order(**order(self.sold(), customer_phone=number()))
		erpnext_link.link_recent()
		before = [frappe.db.count(doctype) for doctype in ("Customer", "Sales Order", "Issue")]
		erpnext_link.link_recent()
		self.assertEqual(
			[frappe.db.count(doctype) for doctype in ("Customer", "Sales Order", "Issue")], before
		)

	def test_two_callers_of_one_name_are_two_customers(self):
		names = set()
		for phone in (number(), number()):
			restaurant_logic.place_order(
				**order(self.sold(), customer_phone=phone, customer_name="John Smith")
			)
			erpnext_link.link_recent()
			names.add(self.counterpart("Voice Customer Profile", phone).name)
		self.assertEqual(len(names), 2)

	def test_a_ticket_becomes_an_issue_of_its_customer(self):
		phone = number()
		if not frappe.db.exists("Support Category", "Kitchen"):
			frappe.get_doc({"doctype": "Support Category", "category": "Kitchen"}).insert()
		made = support_logic.create_ticket(
			idempotency_key=fresh("t"),
			session_id=fresh("s"),
			customer_name="Ada",
			customer_phone=phone,
			issue_description="The pizza was cold. " * 20,
			category="Kitchen",
		)
		erpnext_link.link_recent()
		issue = self.counterpart("Voice Support Ticket", made["name"])
		self.assertEqual(issue.doctype, "Issue")
		self.assertEqual(issue.customer, self.counterpart("Voice Customer Profile", phone).name)
		self.assertLessEqual(len(issue.subject), 140)
