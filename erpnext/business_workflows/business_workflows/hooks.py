"""What Frappe needs to know of this app."""

app_name = "business_workflows"
app_title = "Business Workflows"
app_publisher = "Neoron"
app_description = "Orders, appointments and tickets that come from calls"
app_email = "hello@example.com"
app_license = "MIT"

# With an owner before the slash; without one the installer asks a code host whose app it is, and fails offline.
required_apps = ["neoron/voice_agent"]

export_python_type_annotations = True
require_type_annotated_api_methods = True

after_install = "business_workflows.setup.after_install"

fixtures = [
	{
		"dt": "Role",
		"filters": [["role_name", "in", ["Voice Kitchen Staff", "Voice Front Desk", "Voice Support Staff"]]],
	}
]

doc_events = {"Voice Session": {"on_update": "business_workflows.calendar.release_when_over"}}

scheduler_events = {
	"hourly": ["business_workflows.calendar.clean"],
	"cron": {"*/5 * * * *": ["business_workflows.erpnext_link.link_recent"]},
}

_PERSON = {"customer_name": "–", "customer_phone": None}

# See the hook of the same name in voice_agent.
voice_personal_data = [
	{
		"doctype": "Voice Restaurant Order",
		"phone_field": "customer_phone",
		"clear": {**_PERSON, "delivery_address": None, "special_instructions": None},
	},
	{
		"doctype": "Voice Appointment",
		"phone_field": "customer_phone",
		"clear": {**_PERSON, "cancel_reason": None},
	},
	{
		"doctype": "Voice Support Ticket",
		"phone_field": "customer_phone",
		"clear": {**_PERSON, "issue_description": "–", "resolution": None},
	},
	{"doctype": "Voice Message", "phone_field": "customer_phone", "clear": {**_PERSON, "message": "–"}},
	{
		"doctype": "Voice Customer Profile",
		"phone_field": "phone",
		"clear": {"customer_name": None, "language": None, "notes": None},
	},
]
