"""Who or what can serve an appointment."""

from frappe.model.document import Document


class AppointmentServiceResource(Document):
	pass
