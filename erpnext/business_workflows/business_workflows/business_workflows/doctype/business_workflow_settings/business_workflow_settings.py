"""What holds for the whole business."""

import frappe
from frappe import _
from frappe.model.document import Document

from business_workflows.calendar import MAX_HOLD_SECONDS


class BusinessWorkflowSettings(Document):
	def validate(self):
		self.currency, self.phone_region = (self.currency or "").upper(), (self.phone_region or "").upper()
		if len(self.currency) != 3 or not self.currency.isalpha():
			frappe.throw(_("The currency is three letters, such as GBP."))
		if len(self.phone_region) != 2 or not self.phone_region.isalpha():
			frappe.throw(_("The region is two letters, such as GB."))
		if (self.hold_seconds or 0) > MAX_HOLD_SECONDS:
			frappe.throw(_("Times are held for {0} seconds at most.").format(MAX_HOLD_SECONDS))
