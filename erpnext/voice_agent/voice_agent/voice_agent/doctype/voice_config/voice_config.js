frappe.ui.form.on("Voice Config", {
	refresh(frm) {
		if (frm.is_new() || !frm.doc.webhook_enabled) {
			return;
		}
		frm.add_custom_button(__("Send test"), () =>
			frappe
				.call({
					method: "voice_agent.api.config_api.send_test",
					args: { business_type: frm.doc.business_type },
					freeze: true,
				})
				.then(({ message }) =>
					frappe.show_alert({
						message: __("The gateway answered: {0}", [frappe.utils.escape_html(String(message.answer))]),
						indicator: message.delivered ? "green" : "red",
					})
				)
		);
	},
});
