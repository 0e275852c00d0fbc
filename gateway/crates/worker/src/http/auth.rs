//! Tokens and keys: how they are made, kept and compared. Nothing here ever logs one.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::{HeaderMap, header};
use neoron_protocol::{ErrorCode, SessionId};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Refusal;
use crate::{
    app::{App, Random},
    record::Record,
};

/// A new ticket or tool token: 256 bits as 43 characters.
pub(crate) fn new_token(random: &dyn Random) -> String {
    BASE64URL_NOPAD.encode(&random.bytes::<32>())
}

/// What is kept of a token: lower-case hex SHA-256.
pub(crate) fn hash_token(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// Compares in a time that does not tell where the texts differ.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session that a ticket opens. A session that does not exist is refused like a wrong ticket.
///
/// # Errors
/// 401 `ticket_invalid`, 503 if the store fails.
pub(crate) async fn open(app: &App, session: SessionId, ticket: Option<&str>) -> Result<Record, Refusal> {
    let invalid = || Refusal::of(ErrorCode::TicketInvalid);
    let ticket = ticket.ok_or_else(invalid)?;
    let record = app.load(session).await?.ok_or_else(invalid)?;
    if same(&hash_token(ticket), &record.ticket_hash) { Ok(record) } else { Err(invalid()) }
}

/// The session id of a path.
///
/// # Errors
/// 404 if it is none.
pub(crate) fn session_id(text: &str) -> Result<SessionId, Refusal> {
    SessionId::parse(text).map_err(|_| Refusal::of(ErrorCode::NotFound))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::app::SystemRandom;

    #[test]
    fn a_token_has_256_bits_and_is_kept_as_its_hash() {
        let token = new_token(&SystemRandom);
        assert_eq!(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap().len(), 32);
        // From FIPS 180-2.
        assert_eq!(hash_token("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn only_a_bearer_token_is_a_ticket() {
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&with("bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&with("abc")), None);
    }
}
