//! What an error of a server or a connection means for the call that met it. Pure.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::StoreError;

/// The largest part of a server's error text that is kept; it names our script's line, never a value.
const MAX_DETAIL: usize = 160;

/// What stood in a call's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The slot is with another node. The call was not done.
    Moved(String),
    /// The slot is on its way to another node, which takes this one call. It was not done.
    Ask(String),
    /// The server does not know the script. It was not done.
    NoScript,
    /// The server does not take the call for now. It was not done.
    NotNow(String),
    /// The server's memory is full. It was not done.
    Memory,
    /// Too many calls are on their way to this node. It was not sent.
    Busy,
    /// There is no connection. It was not sent.
    Unsent(String),
    /// The answer did not come. It may have been done.
    Unknown(String),
    /// The server refuses it, now and later.
    Refused(String),
}

impl Trouble {
    /// Reads an error of the library. `host` is the node's own, for a redirection that leaves it out.
    pub(super) fn of(error: &RedisError, host: &str) -> Self {
        let code = error.code().unwrap_or("");
        if let Some((address, _)) = error.redirect_node() {
            let address = if address.starts_with(':') { format!("{host}{address}") } else { address.to_owned() };
            return if code == "ASK" { Self::Ask(address) } else { Self::Moved(address) };
        }
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::NoScript,
            ErrorKind::Server(
                ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly,
            ) => Self::NotNow(code.to_owned()),
            // A script that meets a full memory or a read-only replica fails with the error of its first write.
            _ if code == "OOM" => Self::Memory,
            _ if matches!(code, "BUSY" | "NOREPLICAS" | "MISCONF") => Self::NotNow(code.to_owned()),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused(detail(error, code)),
            _ => Self::Unknown(error.category().to_owned()),
        }
    }

    /// The answer for the caller, once nothing more is tried.
    pub(super) fn into_error(self) -> StoreError {
        StoreError::Unavailable(match self {
            Self::Memory | Self::Busy => return StoreError::Full,
            Self::Moved(_) | Self::Ask(_) => "the cluster sends the call around in a circle".to_owned(),
            Self::NoScript => "the server forgets its scripts".to_owned(),
            Self::NotNow(code) => format!("the server does not take calls now ({code})"),
            Self::Unsent(reason) => reason,
            Self::Unknown(reason) => format!("no answer came ({reason})"),
            Self::Refused(reason) => format!("the server refuses the call ({reason})"),
        })
    }
}

fn detail(error: &RedisError, code: &str) -> String {
    let text = error.detail().unwrap_or("");
    let cut = text.char_indices().nth(MAX_DETAIL).map_or(text.len(), |(at, _)| at);
    format!("{code} {}", &text[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, detail: &str) -> Trouble {
        let kind = match code {
            "MOVED" => ErrorKind::Server(ServerErrorKind::Moved),
            "ASK" => ErrorKind::Server(ServerErrorKind::Ask),
            "NOSCRIPT" => ErrorKind::Server(ServerErrorKind::NoScript),
            "CLUSTERDOWN" => ErrorKind::Server(ServerErrorKind::ClusterDown),
            _ => return Trouble::of(&redis::make_extension_error(code.to_owned(), Some(detail.to_owned())), "here"),
        };
        Trouble::of(&RedisError::from((kind, "error", detail.to_owned())), "here")
    }

    #[test]
    fn a_redirection_names_the_node_also_without_its_host() {
        assert_eq!(of("MOVED", "7 10.0.0.1:7001"), Trouble::Moved("10.0.0.1:7001".into()));
        assert_eq!(of("MOVED", "7 :7001"), Trouble::Moved("here:7001".into()));
        assert_eq!(of("ASK", "7 10.0.0.1:7001"), Trouble::Ask("10.0.0.1:7001".into()));
    }

    #[test]
    fn what_surely_was_not_done_is_told_from_what_may_have_been() {
        assert_eq!(of("NOSCRIPT", ""), Trouble::NoScript);
        assert_eq!(of("CLUSTERDOWN", ""), Trouble::NotNow("CLUSTERDOWN".into()));
        assert_eq!(of("OOM", ""), Trouble::Memory);
        assert!(matches!(of("WRONGTYPE", "x"), Trouble::Refused(_)));
        let io = RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        assert!(matches!(Trouble::of(&io, "here"), Trouble::Unknown(_)));
    }

    #[test]
    fn a_full_server_is_full_and_a_silent_one_is_unavailable() {
        assert!(matches!(Trouble::Memory.into_error(), StoreError::Full));
        assert!(matches!(Trouble::Unknown("x".into()).into_error(), StoreError::Unavailable(_)));
    }
}
