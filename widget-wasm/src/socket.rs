//! The socket to the gateway. Only one lives at a time: an older one is closed and its events are no longer heard. It
//! decides nothing about reconnecting.

use alloc::{boxed::Box, string::String};
use core::cell::RefCell;

use js_sys::Array;
use neoron_protocol::frame::{self, SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX};
use neoron_widget_core::{answers::Ticket, call::Msg};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::{app::App, dom, json::Json};

/// A socket with the callbacks that live as long as it does.
struct Socket {
    socket: WebSocket,
    _callbacks: [Closure<dyn FnMut(JsValue)>; 3],
}

#[derive(Default)]
pub(crate) struct Slot(RefCell<Option<Socket>>);

impl Slot {
    /// Opens the session's socket.
    pub(crate) fn open(&self, app: &'static App, gateway: &str, ticket: &Ticket) {
        self.close();
        // `http` becomes `ws`, `https` becomes `wss`.
        let mut url = String::from("ws");
        url.push_str(gateway.strip_prefix("http").unwrap_or_default());
        url.push_str("/v1/sessions/");
        url.push_str(&ticket.session);
        url.push_str("/events");
        let mut secret = String::from(TICKET_SUBPROTOCOL_PREFIX);
        secret.push_str(&ticket.ticket);
        let protocols = Array::of2(&SUBPROTOCOL.into(), &secret.into());
        let Ok(socket) = WebSocket::new_with_str_sequence(&url, &protocols) else {
            // A page's policy that forbids the address: the same as a handshake that failed, but not within this call.
            app.later(Msg::SocketClosed { by_gateway: false });
            return;
        };
        let opened = dom::callback(move |_| app.dispatch(Msg::SocketOpened));
        let message = dom::callback(move |event| {
            let data = event.unchecked_into::<MessageEvent>().data().as_string();
            // A frame that cannot be read is passed over; if it counted, the gap is noticed at the next one.
            if let Some(Ok(frame)) = data.and_then(|text| Json::parse(&text)).map(|json| frame::server(&json)) {
                app.dispatch(Msg::Frame(frame));
            }
        });
        let closed = dom::callback(move |event| {
            let by_gateway = event.unchecked_into::<CloseEvent>().code() == 1000;
            app.dispatch(Msg::SocketClosed { by_gateway });
        });
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        *self.0.borrow_mut() = Some(Socket { socket, _callbacks: [opened, message, closed] });
    }

    /// Sends a frame; nothing happens if the socket is not open, because what matters is repeated after a reconnect.
    pub(crate) fn send(&self, text: &str) {
        if let Some(open) = &*self.0.borrow() {
            let _ = open.socket.send_with_str(text);
        }
    }

    /// Closes the socket and stops hearing it.
    pub(crate) fn close(&self) {
        let Some(old) = self.0.borrow_mut().take() else { return };
        old.socket.set_onopen(None);
        old.socket.set_onmessage(None);
        old.socket.set_onclose(None);
        let _ = old.socket.close();
        // It may be this very socket's callback that asked: its closures may only go after it has returned.
        dom::after(0, Box::new(move || drop(old)));
    }
}
