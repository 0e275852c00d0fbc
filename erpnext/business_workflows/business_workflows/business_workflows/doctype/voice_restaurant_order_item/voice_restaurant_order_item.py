"""One line of an order; the order prices it."""

from frappe.model.document import Document


class VoiceRestaurantOrderItem(Document):
	pass
