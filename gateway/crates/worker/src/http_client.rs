//! The one way to make an HTTP client: bounded times, no redirects, no cookies, no proxy from the environment.
//!
//! It never decides about an answer; it only makes sure that none is endless.

use std::time::Duration;

use bytes::BytesMut;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A builder with what every client of a worker shares.
pub(crate) fn builder() -> reqwest::ClientBuilder {
    install_crypto();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("neoron-voice/", env!("CARGO_PKG_VERSION")))
}

/// Makes `ring` the process's cryptography. It fails only if there is a provider already, which serves as well.
pub(crate) fn install_crypto() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

/// A body that was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The connection failed.
    Broken,
    /// It is longer than allowed.
    TooLong,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`ReadError`]; nothing of the body is kept then.
pub(crate) async fn read_capped(mut answer: reqwest::Response, limit: usize) -> Result<BytesMut, ReadError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| ReadError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
