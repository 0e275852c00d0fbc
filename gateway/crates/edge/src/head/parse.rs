//! From bytes to a head, or to the reason why not. Pure: the same bytes give the same answer however they were cut.

use http::{HeaderName, HeaderValue, Method, header};
use neoron_protocol::ErrorCode;

/// No configuration allows more headers.
pub const HEADERS_AT_MOST: usize = 128;
/// The longest `Host`: a DNS name and a port.
const HOST_BYTES: usize = 261;
/// More digits than this are no length, they are an attempt to overflow one.
const LENGTH_DIGITS: usize = 15;

/// How large a head may be.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes, with the empty line at the end.
    pub bytes: usize,
    /// Header lines.
    pub headers: usize,
}

/// How the request's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// After this many bytes, at least 1.
    Fixed(u64),
    /// With the last chunk.
    Chunked,
}

/// A head that keeps every rule of HTTP/1 that requests have been smuggled with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Path and query, printable ASCII, begins with `/`.
    pub target: String,
    /// Whether it is HTTP/1.1; otherwise it is 1.0.
    pub http11: bool,
    /// The headers in their order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body's framing.
    pub body: Body,
    /// Whether the client lets the connection live on.
    pub keep_alive: bool,
}

impl Head {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// Every value of a header.
    pub fn all(&self, name: impl PartialEq<HeaderName>) -> impl Iterator<Item = &HeaderValue> {
        self.headers.iter().filter(move |(key, _)| name == *key).map(|(_, value)| value)
    }

    /// The value of a header that must not be repeated; `None` if it is missing, repeated or not visible ASCII.
    pub fn only(&self, name: impl PartialEq<HeaderName>) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        if values.next().is_some() { None } else { value.to_str().ok() }
    }

    /// Whether a header is there.
    pub fn has(&self, name: impl PartialEq<HeaderName>) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether a header that is a list of tokens holds this one.
    pub fn lists(&self, name: impl PartialEq<HeaderName>, token: &str) -> bool {
        self.all(name)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|item| item.trim().eq_ignore_ascii_case(token))
    }
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is answered.
    pub code: ErrorCode,
    /// Which rule was broken.
    pub detail: &'static str,
}

/// What some bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a head.
    Partial,
    /// A head, and how many bytes it takes.
    Complete(Box<Head>, usize),
    /// No head of ours. The connection is out of step and must be closed.
    Refused(Refusal),
}

const fn malformed(detail: &'static str) -> Refusal {
    Refusal { code: ErrorCode::MalformedRequest, detail }
}

const fn oversized(detail: &'static str) -> Refusal {
    Refusal { code: ErrorCode::HeadersTooLarge, detail }
}

/// Reads a head from the beginning of `bytes`.
pub fn parse(bytes: &[u8], limits: HeadLimits) -> Parsed {
    match end_of_head(bytes, limits.bytes) {
        Ok(None) => Parsed::Partial,
        Ok(Some(end)) => match read(&bytes[..end], limits.headers) {
            Ok(head) => Parsed::Complete(Box::new(head), end),
            Err(refusal) => Parsed::Refused(refusal),
        },
        Err(refusal) => Parsed::Refused(refusal),
    }
}

/// Finds the empty line. Judges line ends on the way, so a head that never could end is refused at once instead of
/// waited for.
fn end_of_head(bytes: &[u8], limit: usize) -> Result<Option<usize>, Refusal> {
    let seen = &bytes[..bytes.len().min(limit)];
    for (index, byte) in seen.iter().enumerate() {
        match byte {
            0 => return Err(malformed("the head holds a NUL byte")),
            b'\n' if index == 0 || seen[index - 1] != b'\r' => {
                return Err(malformed("a line ends with a bare line feed"));
            }
            b'\n' if seen[..=index].ends_with(b"\r\n\r\n") => return Ok(Some(index + 1)),
            b'\r' if seen.get(index + 1).is_some_and(|next| *next != b'\n') => {
                return Err(malformed("the head holds a bare carriage return"));
            }
            _ => {}
        }
    }
    if bytes.len() >= limit { Err(oversized("the head is too long")) } else { Ok(None) }
}

fn read(bytes: &[u8], max_headers: usize) -> Result<Head, Refusal> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_AT_MOST];
    let mut request = httparse::Request::new(&mut lines);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(malformed("the head has no request line")),
        Err(httparse::Error::TooManyHeaders) => return Err(oversized("the head has too many headers")),
        Err(httparse::Error::Version) => return Err(malformed("the version is not HTTP/1.0 or HTTP/1.1")),
        Err(_) => return Err(malformed("the request line or a header is not well-formed")),
    }
    if request.headers.len() > max_headers {
        return Err(oversized("the head has too many headers"));
    }
    let method = Method::from_bytes(request.method.unwrap_or_default().as_bytes())
        .map_err(|_| malformed("the method is not a token"))?;
    let target = target(request.path.unwrap_or_default())?;
    let http11 = request.version == Some(1);
    let mut headers = Vec::with_capacity(request.headers.len());
    for line in request.headers.iter() {
        let name =
            HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| malformed("a header's name is not a token"))?;
        let value =
            HeaderValue::from_bytes(line.value).map_err(|_| malformed("a header's value holds a control byte"))?;
        headers.push((name, value));
    }
    let mut head = Head { method, target, http11, headers, body: Body::None, keep_alive: http11 };
    host(&head)?;
    head.body = body(&head)?;
    expect(&head)?;
    // HTTP/1.0 keep-alive is not worth its traps: such a connection is closed after its answer.
    head.keep_alive = http11 && !head.lists(header::CONNECTION, "close");
    Ok(head)
}

/// Origin-form only: absolute and authority form would let a request name two hosts.
fn target(text: &str) -> Result<String, Refusal> {
    if !text.starts_with('/') {
        return Err(malformed("the target is not a path"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(malformed("the target holds a character that must be escaped"));
    }
    Ok(text.to_owned())
}

fn host(head: &Head) -> Result<(), Refusal> {
    let mut values = head.all(header::HOST);
    let Some(value) = values.next() else { return Err(malformed("there is no Host header")) };
    if values.next().is_some() {
        return Err(malformed("there is more than one Host header"));
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(byte);
    let bytes = value.as_bytes();
    if bytes.is_empty() || bytes.len() > HOST_BYTES || !bytes.iter().all(allowed) {
        return Err(malformed("the Host header is not a host"));
    }
    Ok(())
}

fn body(head: &Head) -> Result<Body, Refusal> {
    let mut lengths = head.all(header::CONTENT_LENGTH);
    let mut codings = head.all(header::TRANSFER_ENCODING);
    match (lengths.next(), codings.next()) {
        (None, None) => Ok(Body::None),
        (Some(_), Some(_)) => Err(malformed("there is both a Content-Length and a Transfer-Encoding")),
        (Some(length), None) => {
            if lengths.next().is_some() {
                return Err(malformed("there is more than one Content-Length"));
            }
            fixed(length.as_bytes())
        }
        (None, Some(coding)) => {
            if !head.http11 {
                return Err(malformed("HTTP/1.0 has no Transfer-Encoding"));
            }
            if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err(malformed("the only Transfer-Encoding is chunked, once"));
            }
            Ok(Body::Chunked)
        }
    }
}

fn fixed(digits: &[u8]) -> Result<Body, Refusal> {
    let plain = !digits.is_empty() && digits.len() <= LENGTH_DIGITS && digits.iter().all(u8::is_ascii_digit);
    if !plain {
        return Err(malformed("the Content-Length is not a plain number"));
    }
    let length = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(if length == 0 { Body::None } else { Body::Fixed(length) })
}

fn expect(head: &Head) -> Result<(), Refusal> {
    let fine = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if head.all(header::EXPECT).all(fine) { Ok(()) } else { Err(malformed("the expectation is not known")) }
}

#[cfg(test)]
mod tests;
