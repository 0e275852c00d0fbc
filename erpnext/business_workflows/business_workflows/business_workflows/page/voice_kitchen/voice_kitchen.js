// The kitchen's board: a column for each status, a card for each order, one tap to move it on. It shows what
// `board_api.kitchen` answers and nothing else; realtime only says that it is time to ask again.
// The desk runs every page's script in one scope, so nothing is declared outside of this function.

(() => {
	frappe.pages["voice-kitchen"].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({ parent: wrapper, title: __("Kitchen"), single_column: true });
		wrapper.board = new KitchenBoard(page);
	};

	frappe.pages["voice-kitchen"].on_page_show = (wrapper) => wrapper.board.start();
	frappe.pages["voice-kitchen"].on_page_hide = (wrapper) => wrapper.board.stop();

	// Without realtime (a proxy that blocks it, a tablet that slept) the board is at most this late.
	const REFRESH_MS = 15000;
	// Several changes at once are one request.
	const SETTLE_MS = 300;
	const DOCTYPE = "Voice Restaurant Order";

	class KitchenBoard {
		constructor(page) {
			this.page = page;
			this.known = null;
			this.sound = false;
			this.body = $('<div class="voice-kitchen" aria-live="polite"></div>').appendTo(page.main);
			this.refresh = frappe.utils.debounce(() => this.load(), SETTLE_MS);
			this.on_news = (news) => news.doctype === DOCTYPE && this.refresh();
			this.body.on("click", "[data-advance]", (event) => this.advance($(event.currentTarget)));
			page.set_secondary_action(__("Refresh"), () => this.load());
			// Browsers play nothing before the first tap, so sound is switched on by one.
			page.add_inner_button(__("Sound on"), () => this.switch_sound());
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
				.xcall("business_workflows.api.board_api.kitchen")
				.then((board) => {
					this.ring_for_new(board.orders);
					this.draw(board);
				})
				.catch(() => this.page.set_indicator(__("Not up to date"), "red"));
		}

		draw({ orders, columns }) {
			this.page.set_indicator(__("Live"), "green");
			this.body.html(columns.map((status) => this.column(status, orders)).join(""));
		}

		column(status, orders) {
			const here = orders.filter((order) => order.status === status);
			return `<section class="vk-column" aria-label="${__(status)}">
				<h3>${__(status)} <span class="badge">${here.length}</span></h3>
				${here.map((order) => this.card(order)).join("")}
			</section>`;
		}

		card(order) {
			const safe = frappe.utils.escape_html;
			const wish = (text) => (text ? `<div class="vk-wish">${safe(text)}</div>` : "");
			const lines = order.items
				.map((line) => {
					const extras = wish((line.modifiers || "").split("\n").filter(Boolean).join(", "));
					return `<li><b>${line.quantity} ×</b> ${safe(line.item_name)}${extras}${wish(line.special_instructions)}</li>`;
				})
				.join("");
			const late = order.is_late ? "vk-late" : "";
			const button = order.next
				? `<button class="btn btn-primary vk-next" data-advance="${safe(order.name)}" data-status="${safe(order.status)}">
					${__(order.next)} →</button>`
				: "";
			return `<article class="vk-card ${late}">
				<header><b>${safe(order.order_number || order.name)}</b>
					<span>${__(order.order_type)} · ${frappe.datetime.comment_when(order.creation)}</span></header>
				<div>${safe(order.customer_name)}</div>
				<ul>${lines}</ul>${wish(order.special_instructions)}${button}
			</article>`;
		}

		advance(button) {
			button.prop("disabled", true);
			frappe
				.xcall("business_workflows.api.board_api.advance_order", {
					order: button.attr("data-advance"),
					status: button.attr("data-status"),
				})
				.finally(() => this.load());
		}

		ring_for_new(orders) {
			const names = new Set(orders.map((order) => order.name));
			const fresh = this.known && [...names].some((name) => !this.known.has(name));
			this.known = names;
			if (fresh && this.sound) {
				this.ring();
			}
		}

		switch_sound() {
			this.sound = true;
			this.ring();
			frappe.show_alert({ message: __("A new order rings."), indicator: "green" });
		}

		// Two short tones, made here: no file has to be loaded for them.
		ring() {
			this.audio = this.audio || new AudioContext();
			[880, 1175].forEach((pitch, at) => {
				const tone = this.audio.createOscillator();
				const volume = this.audio.createGain();
				const begin = this.audio.currentTime + at * 0.18;
				tone.frequency.value = pitch;
				volume.gain.setValueAtTime(0.3, begin);
				volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.17);
				tone.connect(volume).connect(this.audio.destination);
				tone.start(begin);
				tone.stop(begin + 0.18);
			});
		}
	}
})();
