// The support queue: open tickets, those whose promise runs out first on top, one tap to take one. It shows what
// `board_api.queue` answers; realtime only says that it is time to ask again.
// The desk runs every page's script in one scope, so nothing is declared outside of this function.

(() => {
	frappe.pages["voice-queue"].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({ parent: wrapper, title: __("Support Queue"), single_column: true });
		wrapper.board = new QueueBoard(page);
	};

	frappe.pages["voice-queue"].on_page_show = (wrapper) => wrapper.board.start();
	frappe.pages["voice-queue"].on_page_hide = (wrapper) => wrapper.board.stop();

	const REFRESH_MS = 30000;
	const SETTLE_MS = 300;
	const DOCTYPE = "Voice Support Ticket";
	// Characters of a description that the list shows.
	const EXCERPT = 160;

	class QueueBoard {
		constructor(page) {
			this.page = page;
			this.body = $('<div class="voice-queue"></div>').appendTo(page.main);
			this.refresh = frappe.utils.debounce(() => this.load(), SETTLE_MS);
			this.on_news = (news) => news.doctype === DOCTYPE && this.refresh();
			this.body.on("click", "[data-take]", (event) => this.take($(event.currentTarget)));
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
			return frappe
				.xcall("business_workflows.api.board_api.queue")
				.then((queue) => this.draw(queue))
				.catch(() => this.page.set_indicator(__("Not up to date"), "red"));
		}

		draw({ tickets, now }) {
			this.page.set_indicator(__("Live"), "green");
			const titles = ["Ticket", "Priority", "Category", "Customer", "Solved by", "Owner", ""];
			const head = titles.map((title) => `<th scope="col">${title && __(title)}</th>`).join("");
			this.body.html(
				tickets.length
					? `<table class="table"><thead><tr>${head}</tr></thead>
						<tbody>${tickets.map((ticket) => this.row(ticket, now)).join("")}</tbody></table>`
					: `<p class="text-muted">${__("No open tickets.")}</p>`
			);
		}

		row(ticket, now) {
			const safe = (text) => frappe.utils.escape_html(text || "");
			const text = ticket.issue_description || "";
			const late = ticket.resolve_by && ticket.resolve_by < now ? "vq-late" : "";
			const mine = ticket.assigned_to === frappe.session.user;
			const take = mine
				? __("Yours")
				: `<button class="btn btn-default vq-take" data-take="${safe(ticket.name)}">${__("Take")}</button>`;
			return `<tr class="${late}">
				<td><a href="/app/voice-support-ticket/${encodeURIComponent(ticket.name)}">${safe(text.slice(0, EXCERPT))}</a></td>
				<td>${__(ticket.priority || "")}</td><td>${safe(ticket.category)}</td><td>${safe(ticket.customer_name)}</td>
				<td>${safe((ticket.resolve_by || "").slice(0, 16))}</td><td>${safe(ticket.assigned_to)}</td><td>${take}</td>
			</tr>`;
		}

		take(button) {
			button.prop("disabled", true);
			frappe
				.xcall("business_workflows.api.board_api.take_ticket", { ticket: button.attr("data-take") })
				.finally(() => this.load());
		}
	}
})();
