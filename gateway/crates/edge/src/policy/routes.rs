//! The route table. Data only: adding a route here is all it takes to have it served.

use neoron_protocol::SessionId;

/// One part of a path.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// This word.
    Word(&'static str),
    /// A session's id; another text is no such path.
    Session,
    /// A place in a waiting room: the id of the session to be, a dot and the site.
    Place,
    /// A tool's name: 1 to 64 of `A-Za-z0-9_-`.
    Name,
    /// Everything that follows, at least one character.
    Rest,
}

/// What the edge wants to see before it forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Nothing.
    Open,
    /// A grant, checked here to the end.
    Grant,
    /// A ticket's form, as a bearer or, for a WebSocket, as a subprotocol; the worker knows whether it is right.
    Ticket,
    /// A tool token's form, and the session it belongs to.
    ToolToken,
    /// A staff token's form, as a bearer; the worker knows whether it is right.
    Staff,
    /// A signature in this header; the worker knows the secret.
    Signature(&'static str),
}

/// Who gets the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// One of two by chance, the one with more room.
    Room,
    /// The session's worker.
    Session,
    /// Anybody.
    Any,
}

/// How the answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A request, an answer.
    Plain,
    /// The same, but the worker may wait for ERPNext.
    Slow,
    /// A WebSocket, or an event stream for whoever asks for one.
    Events,
    /// A WebSocket.
    WebSocket,
    /// A file of the popup, from this process.
    Files,
}

/// A route.
#[derive(Debug)]
pub(crate) struct Route {
    /// Its name in the log and the metrics.
    pub(crate) name: &'static str,
    parts: &'static [Part],
    /// Its methods, as `Allow` says them.
    pub(crate) methods: &'static [&'static str],
    /// What it wants to see.
    pub(crate) auth: Auth,
    /// The largest body in bytes; 0 takes none.
    pub(crate) max_body: u64,
    /// Who gets it.
    pub(crate) pick: Pick,
    /// How the answer comes.
    pub(crate) shape: Shape,
    /// Whether pages of the sites may use it.
    pub(crate) cors: bool,
    /// Whether a request may be sent a second time when a worker's connection broke under it. A session must not be
    /// created twice, by a grant or by a place in the waiting room; a tool call or a webhook carries its own idempotency key.
    pub(crate) repeatable: bool,
}

const fn route(name: &'static str, parts: &'static [Part]) -> Route {
    Route {
        name,
        parts,
        methods: &["POST"],
        auth: Auth::Open,
        max_body: 0,
        pick: Pick::Any,
        shape: Shape::Plain,
        cors: false,
        repeatable: true,
    }
}

use Part::{Name, Place, Rest, Session, Word};

const KIB: u64 = 1_024;

static ROUTES: &[Route] = &[
    Route {
        auth: Auth::Grant,
        methods: &["POST", "OPTIONS"],
        max_body: 8 * KIB,
        pick: Pick::Room,
        cors: true,
        repeatable: false,
        ..route("sessions", &[Word("v1"), Word("sessions")])
    },
    Route {
        auth: Auth::Ticket,
        methods: &["GET", "OPTIONS"],
        pick: Pick::Session,
        cors: true,
        ..route("session", &[Word("v1"), Word("sessions"), Session])
    },
    Route {
        auth: Auth::Ticket,
        methods: &["POST", "OPTIONS"],
        max_body: 8 * KIB,
        pick: Pick::Session,
        cors: true,
        repeatable: true,
        ..route("messages", &[Word("v1"), Word("sessions"), Session, Word("messages")])
    },
    Route {
        auth: Auth::Ticket,
        methods: &["POST", "OPTIONS"],
        max_body: KIB,
        pick: Pick::Session,
        cors: true,
        ..route("end", &[Word("v1"), Word("sessions"), Session, Word("end")])
    },
    Route {
        auth: Auth::Ticket,
        methods: &["GET", "OPTIONS"],
        pick: Pick::Session,
        shape: Shape::Events,
        cors: true,
        ..route("events", &[Word("v1"), Word("sessions"), Session, Word("events")])
    },
    Route {
        auth: Auth::Ticket,
        methods: &["POST", "DELETE", "OPTIONS"],
        max_body: KIB,
        pick: Pick::Room,
        cors: true,
        repeatable: false,
        ..route("waiting", &[Word("v1"), Word("waiting"), Place])
    },
    Route {
        auth: Auth::ToolToken,
        max_body: 64 * KIB,
        pick: Pick::Session,
        shape: Shape::Slow,
        ..route("tool", &[Word("v1"), Word("tools"), Name])
    },
    Route {
        auth: Auth::Signature("x-ultravox-signature"),
        methods: &["GET"],
        pick: Pick::Session,
        shape: Shape::WebSocket,
        ..route("ultravox_data", &[Word("v1"), Word("ultravox"), Word("data"), Session])
    },
    Route {
        auth: Auth::Signature("x-ultravox-webhook-signature"),
        max_body: 256 * KIB,
        pick: Pick::Room,
        ..route("webhook_ultravox", &[Word("webhook"), Word("ultravox")])
    },
    Route {
        auth: Auth::Signature("x-frappe-webhook-signature"),
        max_body: 64 * KIB,
        pick: Pick::Room,
        ..route("webhook_order_update", &[Word("webhook"), Word("order-update")])
    },
    Route {
        auth: Auth::Signature("x-frappe-webhook-signature"),
        max_body: 64 * KIB,
        pick: Pick::Room,
        ..route("webhook_erpnext", &[Word("webhook"), Word("erpnext")])
    },
    Route { auth: Auth::Staff, methods: &["GET"], ..route("analytics", &[Word("v1"), Word("analytics")]) },
    Route { methods: &["GET", "HEAD"], shape: Shape::Files, ..route("widget", &[Word("widget"), Rest]) },
    Route { methods: &["GET"], ..route("openapi", &[Word("v1"), Word("openapi.json")]) },
];

/// A route and what its path named.
#[derive(Debug)]
pub(crate) struct Found {
    /// The route.
    pub(crate) route: &'static Route,
    /// The session in the path.
    pub(crate) session: Option<SessionId>,
}

/// Finds the route of a path. Escapes are not decoded: no path of ours needs one, and two spellings of one path are a
/// way around a rule.
pub(crate) fn find(path: &str) -> Option<Found> {
    ROUTES.iter().find_map(|route| fits(route, path))
}

fn fits(route: &'static Route, path: &str) -> Option<Found> {
    let mut rest = path.strip_prefix('/')?;
    let mut session = None;
    for (index, part) in route.parts.iter().enumerate() {
        if matches!(part, Rest) {
            return (!rest.is_empty()).then_some(Found { route, session });
        }
        let (text, after) = match rest.split_once('/') {
            Some((text, after)) => (text, Some(after)),
            None => (rest, None),
        };
        match part {
            Word(word) if *word == text => {}
            Session => session = Some(SessionId::parse(text).ok()?),
            Place if is_place(text) => {}
            Name if is_name(text) => {}
            _ => return None,
        }
        let last = index + 1 == route.parts.len();
        match after {
            Some(after) if !last => rest = after,
            None if last => {}
            _ => return None,
        }
    }
    Some(Found { route, session })
}

/// The pattern that a path fits, without the ids and names in it.
pub(crate) fn pattern(path: &str) -> Option<String> {
    let parts = find(path)?.route.parts.iter().map(|part| match part {
        Part::Word(word) => word,
        Part::Session | Part::Place => "{id}",
        Part::Name => "{tool}",
        Part::Rest => "{file}",
    });
    Some(parts.fold(String::new(), |path, part| path + "/" + part))
}

fn is_place(text: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.split_once('.').is_some_and(|(session, site)| {
        SessionId::parse(session).is_ok() && (1..=64).contains(&site.len()) && site.bytes().all(letters)
    })
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use neoron_protocol::UnixMillis;

    use super::*;

    fn name(path: &str) -> Option<&'static str> {
        find(path).map(|found| found.route.name)
    }

    #[test]
    fn every_path_of_the_table_finds_its_route() {
        let session = SessionId::new(UnixMillis(1), [7; 10]);
        assert_eq!(name("/v1/sessions"), Some("sessions"));
        assert_eq!(name(&format!("/v1/sessions/{session}")), Some("session"));
        assert_eq!(name(&format!("/v1/sessions/{session}/events")), Some("events"));
        assert_eq!(name(&format!("/v1/waiting/{session}.pizza.example")), Some("waiting"));
        assert_eq!(name(&format!("/v1/waiting/{session}")), None, "a place names its site");
        assert_eq!(name("/v1/tools/placeOrder"), Some("tool"));
        assert_eq!(name("/v1/analytics"), Some("analytics"));
        assert_eq!(name("/webhook/order-update"), Some("webhook_order_update"));
        assert_eq!(name("/widget/v/0123456789abcdef/app.wasm"), Some("widget"));
        assert_eq!(find(&format!("/v1/ultravox/data/{session}")).and_then(|found| found.session), Some(session));
    }

    #[test]
    fn a_pattern_names_no_session_and_no_tool() {
        let session = SessionId::new(UnixMillis(1), [7; 10]);
        assert_eq!(pattern("/v1/tools/placeOrder").as_deref(), Some("/v1/tools/{tool}"));
        assert_eq!(pattern(&format!("/v1/sessions/{session}/events")).as_deref(), Some("/v1/sessions/{id}/events"));
        assert_eq!(pattern("/widget/v/app.wasm").as_deref(), Some("/widget/{file}"));
        assert_eq!(pattern("/nowhere"), None);
    }

    #[test]
    fn another_spelling_of_a_path_is_no_path() {
        for path in [
            "/",
            "//v1/sessions",
            "/v1/sessions/",
            "/v1/sessions/s_unknown",
            "/v1//sessions",
            "/V1/sessions",
            "/v1/%73essions",
            "/v1/tools/",
            "/v1/tools/a.b",
            "/widget/",
            "/internal/health",
        ] {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
