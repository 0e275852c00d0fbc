//! Whether a request shows the credential its route wants, in a form that could be right. Whether it is right, the
//! worker decides, except for grants. A credential that comes twice counts as none: two readers could take two.

use http::header;
use neoron_protocol::{ErrorCode, SessionId};

use super::{
    Refused,
    forward::Upgrade,
    routes::{Auth, Route},
};
use crate::head::Head;

/// Tickets, tool tokens and staff tokens: 32 bytes in base64url without padding.
const TOKEN_CHARACTERS: usize = 43;
/// A signature or several of them, after each other.
const SIGNATURE_BYTES: usize = 1_024;

/// What was shown.
pub(super) enum Checked<'a> {
    /// A grant that nobody has looked at yet.
    Grant(&'a str),
    /// A credential of the session this header names.
    Session(SessionId),
    /// A credential, or none is needed.
    Present,
}

pub(super) fn check<'a>(route: &Route, head: &'a Head, upgrade: Option<&Upgrade>) -> Result<Checked<'a>, Refused> {
    match route.auth {
        Auth::Open => Ok(Checked::Present),
        Auth::Grant => bearer(head)
            .map(Checked::Grant)
            .ok_or_else(|| Refused::new(ErrorCode::GrantMissing, "the Authorization header has no grant")),
        Auth::Ticket => {
            let shown = match upgrade {
                Some(upgrade) => upgrade.protocols.iter().filter_map(|text| text.strip_prefix("neoron.ticket.")).next(),
                None => bearer(head),
            };
            let invalid = || Refused::new(ErrorCode::TicketInvalid, "the request shows no ticket");
            shown.filter(|text| is_token(text)).map(|_| Checked::Present).ok_or_else(invalid)
        }
        Auth::Staff => {
            let invalid = || Refused::new(ErrorCode::StaffTokenInvalid, "the request shows no staff token");
            bearer(head).filter(|text| is_token(text)).map(|_| Checked::Present).ok_or_else(invalid)
        }
        Auth::ToolToken => {
            let invalid = || Refused::new(ErrorCode::ToolTokenInvalid, "the request shows no tool token");
            head.only("x-tool-token").filter(|text| is_token(text)).ok_or_else(invalid)?;
            let unnamed = || Refused::new(ErrorCode::InvalidField, "X-Session-Id names no session");
            let session = head.only("x-session-id").and_then(|text| SessionId::parse(text).ok());
            session.map(Checked::Session).ok_or_else(unnamed)
        }
        Auth::Signature(name) => {
            let invalid = || Refused::new(ErrorCode::SignatureInvalid, "the request shows no signature");
            let fits = |text: &&str| (1..=SIGNATURE_BYTES).contains(&text.len());
            head.only(name).filter(fits).map(|_| Checked::Present).ok_or_else(invalid)
        }
    }
}

fn bearer(head: &Head) -> Option<&str> {
    let (scheme, token) = head.only(header::AUTHORIZATION)?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn is_token(text: &str) -> bool {
    text.len() == TOKEN_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}
