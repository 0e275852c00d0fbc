"""What Frappe needs to know of this app."""

app_name = "voice_agent"
app_title = "Voice Agent"
app_publisher = "Neoron"
app_description = "Calls of the voice agent, recorded in Frappe"
app_email = "hello@example.com"
app_license = "MIT"

export_python_type_annotations = True
require_type_annotated_api_methods = True

after_install = "voice_agent.setup.after_install"

fixtures = [
	{
		"dt": "Role",
		"filters": [["role_name", "in", ["Voice Gateway", "Voice Agent Manager", "Voice Agent Viewer"]]],
	}
]

scheduler_events = {
	"cron": {"* * * * *": ["voice_agent.outbox.resume"]},
	"hourly": ["voice_agent.sessions.close_stale"],
	"daily": ["voice_agent.analytics.compute_recent", "voice_agent.outbox.clean"],
	"daily_long": ["voice_agent.privacy.clear_aged"],
}

# Where the personal data of a caller is, by telephone number. Other apps add their documents in the same form.
voice_personal_data = [
	{
		"doctype": "Voice Session",
		"phone_field": "customer_phone",
		"clear": {
			"customer_name": None,
			"customer_phone": None,
			"transcript": None,
			"business_outcome": None,
			"personal_data_cleared": 1,
		},
		"clear_tables": ["Voice Interaction"],
	}
]
