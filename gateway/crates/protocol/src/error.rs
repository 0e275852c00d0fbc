//! Stable error codes. One place says which HTTP status and title a code has; nothing here writes an answer.

use core::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// The `code` of a problem document (RFC 9457). A code never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One plain sentence for a person; the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request line or head breaks HTTP.
    MalformedRequest = "malformed_request", 400, "The request is not valid HTTP.";
    /// The body is not JSON, or not UTF-8.
    MalformedJson = "malformed_json", 400, "The body is not valid JSON.";
    /// No grant came with the request.
    GrantMissing = "grant_missing", 401, "A grant is needed to start a session.";
    /// The grant cannot be read, or its algorithm or type is not the pinned one.
    GrantMalformed = "grant_malformed", 401, "The grant cannot be read.";
    /// The grant's redemption window is over.
    GrantExpired = "grant_expired", 401, "The grant has expired.";
    /// The grant is from the future.
    GrantNotYetValid = "grant_not_yet_valid", 401, "The grant is not valid yet.";
    /// No such site, or no such key of that site.
    GrantUnknownKey = "grant_unknown_key", 401, "The grant is signed with an unknown key.";
    /// The grant is meant for somebody else.
    GrantWrongAudience = "grant_wrong_audience", 401, "The grant is for another audience.";
    /// The signature does not match.
    GrantSignature = "grant_signature", 401, "The grant's signature does not match.";
    /// The grant was used before.
    GrantReused = "grant_reused", 409, "The grant has been used already.";
    /// The page's origin is not allowed, or not the grant's.
    OriginRefused = "origin_refused", 403, "This origin may not use the gateway.";
    /// The visitor must first solve the challenge that comes with this.
    ProofOfWorkRequired = "proof_of_work_required", 403, "A proof of work is needed to start a session.";
    /// The solution is wrong, late, used before or of another grant's challenge.
    ProofOfWorkInvalid = "proof_of_work_invalid", 403, "The proof of work is not valid.";
    /// No ticket, or not this session's.
    TicketInvalid = "ticket_invalid", 401, "The ticket does not open this session.";
    /// No tool token, or not this session's.
    ToolTokenInvalid = "tool_token_invalid", 401, "The tool token does not open this session.";
    /// No staff token, or an unknown one.
    StaffTokenInvalid = "staff_token_invalid", 401, "The staff token is not known.";
    /// A webhook's signature is missing or wrong.
    SignatureInvalid = "signature_invalid", 401, "The signature does not match.";
    /// A webhook's signature is right but too old or from the future.
    SignatureStale = "signature_stale", 401, "The signature's time is outside the window.";
    /// An internal route was called without the edge's key.
    EdgeKeyInvalid = "edge_key_invalid", 401, "Only the edge may call this.";
    /// No such route, or no such thing.
    NotFound = "not_found", 404, "There is nothing here.";
    /// The route exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here.";
    /// The client took too long to send its request.
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive.";
    /// The request contradicts what is there.
    Conflict = "conflict", 409, "The request conflicts with the present state.";
    /// The session is over.
    SessionOver = "session_over", 410, "The session is over.";
    /// Who does not ask for a while, or waits for too long, loses the place.
    WaitingOver = "waiting_over", 410, "The place in the waiting room is gone.";
    /// The body is larger than the route allows.
    BodyTooLarge = "body_too_large", 413, "The body is too large.";
    /// The body is not JSON by its content type.
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not supported.";
    /// A field is unknown, missing, of the wrong type or out of range.
    InvalidField = "invalid_field", 422, "A field is not valid.";
    /// An upgrade was needed.
    UpgradeRequired = "upgrade_required", 426, "This route speaks WebSocket.";
    /// Too many requests.
    TooManyRequests = "too_many_requests", 429, "Too many requests.";
    /// The site's minutes for today are used up.
    BudgetExhausted = "budget_exhausted", 429, "The site has no minutes left today.";
    /// As many calls as one network may have go on already.
    TooManyCalls = "too_many_calls", 429, "Too many calls come from this network.";
    /// The head is larger than allowed.
    HeadersTooLarge = "headers_too_large", 431, "The request's head is too large.";
    /// Something of ours broke.
    Internal = "internal", 500, "Something went wrong on our side.";
    /// The worker gave no valid answer.
    BadGateway = "bad_gateway", 502, "No worker gave a valid answer.";
    /// No worker has room.
    NoRoom = "no_room", 503, "All lines are busy.";
    /// The voice service cannot take a call now.
    VoiceUnavailable = "voice_unavailable", 503, "The voice service cannot take a call now.";
    /// The store cannot take a write now.
    StoreUnavailable = "store_unavailable", 503, "The gateway cannot store this now.";
    /// This process is leaving.
    Draining = "draining", 503, "The gateway is being replaced.";
    /// The worker did not answer in time.
    GatewayTimeout = "gateway_timeout", 504, "The worker did not answer in time.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A problem document, `application/problem+json`.
#[cfg(feature = "serde")]
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// A URI that names the code.
    #[serde(rename = "type")]
    pub kind: alloc::string::String,
    /// [`ErrorCode::title`].
    pub title: alloc::string::String,
    /// The HTTP status, again.
    pub status: u16,
    /// [`ErrorCode::as_str`].
    pub code: alloc::string::String,
    /// What was wrong with this request; never holds what the caller sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<alloc::string::String>,
    /// Names this request in our logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<alloc::string::String>,
    /// With [`ErrorCode::ProofOfWorkRequired`]: what is to be solved, an ALTCHA challenge (version 2 of its format).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<serde_json::Value>,
}

#[cfg(feature = "serde")]
impl Problem {
    /// The media type of a problem document.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem with the code's own title and status.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: alloc::format!("urn:neoron:problem:{}", code.as_str()),
            title: code.title().into(),
            status: code.status(),
            code: code.as_str().into(),
            detail: None,
            request_id: None,
            challenge: None,
        }
    }

    /// Says what was wrong with this request.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<alloc::string::String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the request.
    #[must_use]
    pub fn with_request_id(mut self, id: impl Into<alloc::string::String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Says what is to be solved before the same request again.
    #[must_use]
    pub fn with_challenge(mut self, challenge: serde_json::Value) -> Self {
        self.challenge = Some(challenge);
        self
    }
}
