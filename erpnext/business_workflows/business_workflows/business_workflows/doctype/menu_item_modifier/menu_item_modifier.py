"""Something that can be added to a dish, or left out."""

from frappe.model.document import Document


class MenuItemModifier(Document):
	pass
