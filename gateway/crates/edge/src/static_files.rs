//! The popup's files under `/widget/`: read once into memory, found by their exact name. A path that is no key of the
//! table does not exist, so there is no path to climb.

mod load;

use std::collections::HashMap;

use bytes::Bytes;
use http::header;

pub use self::load::LoadError;
use crate::{answer::Answer, head::Head};

/// A file, and its compressed siblings.
#[derive(Clone, Debug)]
struct File {
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
    media_type: &'static str,
    etag: String,
    immutable: bool,
}

/// All files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(HashMap<String, File>);

impl Files {
    /// The answer to a request under `/widget/`, if there is such a file.
    pub(crate) fn answer(&self, head: &Head) -> Option<Answer> {
        let file = self.0.get(head.path().strip_prefix("/widget/")?)?;
        let (encoding, body) = file.encoded(head);
        // A name that carries its content's hash never changes; the loader's does, so pages notice a release within
        // minutes and still start without a round trip.
        let cache = if file.immutable {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=300, stale-while-revalidate=86400"
        };
        // One tag for each encoding: a strong tag names bytes.
        let etag = format!("\"{}{}\"", file.etag, encoding.map(|name| format!("-{name}")).unwrap_or_default());
        let known = head.all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
        let unchanged = known.flat_map(|value| value.split(',')).any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.trim_start_matches("W/") == etag
        });
        let mut answer = Answer::empty(if unchanged { 304 } else { 200 })
            .with("etag", etag)
            .with("cache-control", cache)
            .with("vary", "Accept-Encoding")
            .with("access-control-allow-origin", "*")
            .with("cross-origin-resource-policy", "cross-origin")
            .with("timing-allow-origin", "*")
            .with("x-content-type-options", "nosniff");
        if !unchanged {
            answer = answer.with("content-type", file.media_type);
            if let Some(encoding) = encoding {
                answer = answer.with("content-encoding", encoding);
            }
            answer.body = body;
        }
        Some(answer)
    }
}

impl File {
    /// The smallest form the client takes.
    fn encoded(&self, head: &Head) -> (Option<&'static str>, Bytes) {
        let forms = [("br", &self.brotli), ("gzip", &self.gzip)];
        let taken = forms.into_iter().find_map(|(name, form)| {
            let bytes = form.as_ref().filter(|_| accepts(head, name))?;
            Some((Some(name), bytes.clone()))
        });
        taken.unwrap_or_else(|| (None, self.plain.clone()))
    }
}

/// Whether a coding is named in `Accept-Encoding` and not with a weight of zero.
fn accepts(head: &Head, coding: &str) -> bool {
    let values = head.all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weightless = |part: &str| part.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        named && !parts.any(weightless)
    })
}
