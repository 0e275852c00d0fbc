"""A person, a room or a table: one customer at a time. Its row is the calendar's lock."""

from frappe.model.document import Document


class AppointmentResource(Document):
	pass
