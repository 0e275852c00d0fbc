// A document made in the desk has no call that names it: it gets a key of its own before the form asks for one.
frappe.ui.form.on("Voice Support Ticket", {
	onload(frm) {
		if (frm.is_new() && !frm.doc.idempotency_key) {
			frm.doc.idempotency_key = `desk-${crypto.randomUUID()}`;
		}
	},
});
