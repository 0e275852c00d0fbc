//! A popup to play with: messages in, effects out, and short ways to write frames.

use std::rc::Rc;

use neoron_protocol::{
    UnixMillis,
    frame::{self, ServerFrame},
};
use neoron_widget_core::{
    answers::{Answer, Created, Ticket},
    call::{Config, Effect, Model, Msg, update},
    media::Mode,
};
use serde_json::{Value, json};

pub(crate) const NOW: UnixMillis = UnixMillis(1_795_000_000_000);

pub(crate) fn ticket() -> Rc<Ticket> {
    Rc::new(Ticket { session: "s_1".into(), ticket: "secret".into(), mode: Mode::Text })
}

pub(crate) fn frame(epoch: &str, offset: u64, kind: &str, data: &Value) -> ServerFrame {
    frame::server(&json!({"epoch": epoch, "offset": offset, "type": kind, "at": 1, "data": data})).unwrap()
}

pub(crate) fn line(id: &str, speaker: &str, text: &str, complete: bool) -> Value {
    json!({"line": id, "speaker": speaker, "text": text, "final": complete})
}

pub(crate) fn quote(revision: u32, state: &str) -> Value {
    json!({"quote": "q_1", "revision": revision, "title": "Your order", "state": state, "lines": [], "total": null})
}

pub(crate) fn document(stage: &str) -> Value {
    json!({"card": "q_1", "title": "Your order", "number": "VO-0001", "status": stage, "stage": stage, "lines": []})
}

/// A model that remembers the stream's place for its tests.
pub(crate) struct Popup {
    pub(crate) model: Model,
    offset: u64,
}

impl Popup {
    pub(crate) fn new() -> Self {
        let config = Config { business: "restaurant".into(), voice: true, ..Config::default() };
        Self { model: Model::new(config), offset: 0 }
    }

    /// A text conversation whose socket is open.
    pub(crate) fn live() -> Self {
        let mut popup = Self::new();
        popup.tell(Msg::Open);
        popup.tell(Msg::Choose(Mode::Text));
        popup.tell(Msg::Grant(Ok("g.g.g".into())));
        popup.tell(Msg::Answered(Ok(Answer::Created(Created { ticket: ticket(), join_url: None }))));
        popup.tell(Msg::SocketOpened);
        popup
    }

    pub(crate) fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.model, msg, NOW, 7)
    }

    /// The next event of the stream.
    pub(crate) fn event(&mut self, kind: &str, data: &Value) -> Vec<Effect> {
        self.offset += 1;
        self.tell(Msg::Frame(frame("e1", self.offset, kind, data)))
    }

    pub(crate) fn sent(effects: &[Effect]) -> Vec<Value> {
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send(text) => Some(serde_json::from_str(text).unwrap()),
                _ => None,
            })
            .collect()
    }
}
