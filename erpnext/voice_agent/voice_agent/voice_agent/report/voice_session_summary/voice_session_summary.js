frappe.query_reports["Voice Session Summary"] = {
	filters: [
		{
			fieldname: "from_date",
			label: __("From"),
			fieldtype: "Date",
			default: frappe.datetime.add_days(frappe.datetime.get_today(), -30),
		},
		{
			fieldname: "to_date",
			label: __("To"),
			fieldtype: "Date",
			default: frappe.datetime.get_today(),
		},
		{
			fieldname: "session_type",
			label: __("Type"),
			fieldtype: "Select",
			options: "\nRestaurant\nAppointment\nSupport\nGeneral",
		},
	],
};
