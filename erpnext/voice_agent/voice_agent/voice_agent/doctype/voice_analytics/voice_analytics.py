"""The sums of one day, site and kind of business; written by the daily job alone."""

from frappe.model.document import Document


class VoiceAnalytics(Document):
	pass
