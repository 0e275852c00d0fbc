// One day's appointments: a row for each time, a column for each resource. Held times are shown as long as they last.
// It shows what `board_api.day` answers; realtime only says that it is time to ask again.
// The desk runs every page's script in one scope, so nothing is declared outside of this function.

(() => {
	frappe.pages["voice-day"].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Appointments of the Day"),
			single_column: true,
		});
		wrapper.board = new DayBoard(page);
	};

	frappe.pages["voice-day"].on_page_show = (wrapper) => wrapper.board.start();
	frappe.pages["voice-day"].on_page_hide = (wrapper) => wrapper.board.stop();

	// Holds come and go without news.
	const REFRESH_MS = 15000;
	const SETTLE_MS = 300;
	const DOCTYPE = "Voice Appointment";

	class DayBoard {
		constructor(page) {
			this.page = page;
			this.body = $('<div class="voice-day"></div>').appendTo(page.main);
			this.refresh = frappe.utils.debounce(() => this.load(), SETTLE_MS);
			this.on_news = (news) => news.doctype === DOCTYPE && this.refresh();
			this.date = page.add_field({
				fieldname: "date",
				fieldtype: "Date",
				label: __("Day"),
				default: frappe.datetime.get_today(),
				change: () => this.load(),
			});
			page.set_primary_action(__("New appointment"), () => frappe.new_doc(DOCTYPE));
			page.set_secondary_action(__("Refresh"), () => this.load());
		}

		start() {
			frappe.realtime.doctype_subscribe(DOCTYPE);
			frappe.realtime.on("voice_board", this.on_news);
			this.timer = setInterval(() => this.load(), REFRESH_MS);
			this.load();
		}

		stop() {
			frappe.realtime.off("voice_board", this.on_news);
			frappe.realtime.doctype_unsubscribe(DOCTYPE);
			clearInterval(this.timer);
		}

		load() {
			const date = this.date.get_value() || frappe.datetime.get_today();
			return frappe
				.xcall("business_workflows.api.board_api.day", { date })
				.then((day) => this.draw(day))
				.catch(() => this.page.set_indicator(__("Not up to date"), "red"));
		}

		draw({ resources, appointments, holds }) {
			this.page.set_indicator(__("Live"), "green");
			const entries = [...appointments, ...holds.map((hold) => ({ ...hold, held: true }))];
			const times = [...new Set(entries.map((entry) => entry.start))].sort();
			const safe = frappe.utils.escape_html;
			const head = resources.map((name) => `<th scope="col">${safe(name)}</th>`).join("");
			const rows = times
				.map((time) => {
					const cells = resources
						.map((name) => {
							const here = entries.filter((entry) => entry.start === time && entry.resource === name);
							return `<td>${here.map((entry) => this.entry(entry)).join("")}</td>`;
						})
						.join("");
					return `<tr><th scope="row">${safe(time.slice(11, 16))}</th>${cells}</tr>`;
				})
				.join("");
			this.body.html(
				times.length
					? `<table class="table table-bordered"><thead><tr><th></th>${head}</tr></thead><tbody>${rows}</tbody></table>`
					: `<p class="text-muted">${__("Nothing on this day.")}</p>`
			);
		}

		entry(entry) {
			const safe = frappe.utils.escape_html;
			if (entry.held) {
				return `<div class="vd-entry vd-held">${__("Held for a caller")}</div>`;
			}
			const until = safe(entry.end.slice(11, 16));
			const link = `/app/voice-appointment/${encodeURIComponent(entry.name)}`;
			return `<a class="vd-entry" href="${link}"><b>${safe(entry.customer_name)}</b><br>
				${safe(entry.service_name)} · ${__("until {0}", [until])} · ${__(entry.status)}</a>`;
		}
	}
})();
