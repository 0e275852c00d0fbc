//! JSON text written by hand: the few small objects that the popup sends or stores. It reads nothing. The tests hold it
//! against serde_json, which is not linked here because it alone doubles the popup.

use alloc::string::String;

use neoron_protocol::{UnixMillis, frame::ClientFrame};

use crate::{answers::Ticket, media::Mode};

/// An object being written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self(String::from("{"))
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quoted(&mut self.0, name);
        self.0.push(':');
    }

    fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        quoted(&mut self.0, value);
        self
    }

    fn raw(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.0.push_str(value);
        self
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A number's digits. The standard library's own bring its formatting machinery along: 1 kB more for every visitor.
pub fn decimal(number: u64) -> String {
    let (mut digits, mut rest, mut at) = ([0; 20], number, 20);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits[at..].iter().map(|digit| char::from(*digit)).collect()
}

/// Appends `text` as a JSON string.
fn quoted(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if (control as u32) < 0x20 => {
                out.push_str("\\u00");
                out.push(HEX[control as usize >> 4] as char);
                out.push(HEX[control as usize & 15] as char);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A frame for the gateway; `None` for one that no popup sends.
pub fn frame(frame: &ClientFrame) -> Option<String> {
    Some(match frame {
        ClientFrame::Resume { epoch, offset } => {
            Object::new().text("type", "resume").text("epoch", epoch).raw("offset", &decimal(*offset)).end()
        }
        ClientFrame::Text { id, text } => Object::new().text("type", "text").text("id", id).text("text", text).end(),
        ClientFrame::End => Object::new().text("type", "end").end(),
        ClientFrame::Unknown => return None,
    })
}

/// The body of the site's grant endpoint.
pub fn grant_request(business: &str, language: &str) -> String {
    Object::new().text("business", business).text("language", language).end()
}

/// The body of `POST /v1/sessions`; `at` is when the visitor agreed. The page's address is cut to its 512 bytes, without
/// query and fragment: they may hold what is nobody's business.
pub fn session_request(mode: Mode, language: &str, at: UnixMillis, page: &str) -> String {
    let consent = Object::new().text("kind", "ai_call").raw("at", &decimal(at.0)).text("version", "1").end();
    let body = Object::new().text("media", mode.as_str()).text("language", language).raw("consent", &consent);
    let end = page.bytes().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(page.len());
    let page = page.get(..end).unwrap_or_default();
    if page.is_empty() || page.len() > 512 { body.end() } else { body.text("page", page).end() }
}

/// The options of `fetch`, for the browser's own parser: without cookies, never from a cache. `proof` is a solved
/// challenge in base64. With a body it is a POST, with an
/// empty one a DELETE.
pub fn request_options(secret: Option<&str>, body: Option<&str>, proof: Option<&str>) -> String {
    let mut headers = Object::new();
    if let Some(proof) = proof {
        headers = headers.text("X-Neoron-Proof", proof);
    }
    if let Some(secret) = secret {
        let mut bearer = String::from("Bearer ");
        bearer.push_str(secret);
        headers = headers.text("Authorization", &bearer);
    }
    let mut options = Object::new().text("cache", "no-store").text("credentials", "omit");
    if let Some(body) = body {
        let method = if body.is_empty() { "DELETE" } else { "POST" };
        headers = headers.text("Content-Type", "application/json");
        options = options.text("method", method).text("body", body);
    }
    options.raw("headers", &headers.end()).end()
}

/// What outlives a reload, for the tab's own storage.
pub fn ticket(ticket: &Ticket) -> String {
    Object::new()
        .text("session", &ticket.session)
        .text("ticket", &ticket.ticket)
        .text("media", ticket.mode.as_str())
        .end()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use neoron_protocol::{
        UnixMillis,
        frame::{self, ClientFrame},
    };
    use proptest::prelude::*;

    use super::{frame as encode, grant_request, session_request};
    use crate::media::Mode;

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).expect("what is written here is JSON")
    }

    proptest! {
        #[test]
        fn the_gateway_reads_every_frame_as_it_was_meant(id in "[a-z0-9]{1,64}", text in "\\PC{0,20}[\\x00-\\x1f\"\\\\]{0,8}x\\PC{0,20}", offset in 0..9_007_199_254_740_991u64) {
            for sent in [ClientFrame::Text { id: id.clone(), text: text.clone() }, ClientFrame::Resume { epoch: id, offset }, ClientFrame::End] {
                let written = encode(&sent).expect("a popup's frame");
                prop_assert_eq!(frame::client(&read(&written)).expect("a frame"), sent);
            }
        }

        #[test]
        fn a_number_has_the_digits_that_everybody_writes(number in any::<u64>()) {
            prop_assert_eq!(super::decimal(number), alloc::format!("{number}"));
        }

        #[test]
        fn no_business_name_breaks_out_of_the_grant_request(business in any::<String>()) {
            prop_assert_eq!(&read(&grant_request(&business, "en"))["business"], &serde_json::Value::String(business));
        }
    }

    #[test]
    fn the_session_request_holds_the_consent_and_no_query() {
        let body = read(&session_request(Mode::Text, "de", UnixMillis(17), "https://a.example/menu?phone=1#x"));
        let wanted = serde_json::json!({
            "media": "text", "language": "de", "page": "https://a.example/menu",
            "consent": {"kind": "ai_call", "at": 17, "version": "1"},
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn a_request_carries_its_secret_and_body_and_no_cookie() {
        let options = read(&super::request_options(Some("t"), Some("{\"a\":1}"), Some("p=")));
        let wanted = serde_json::json!({
            "cache": "no-store", "credentials": "omit", "method": "POST", "body": "{\"a\":1}",
            "headers": {"Authorization": "Bearer t", "Content-Type": "application/json", "X-Neoron-Proof": "p="},
        });
        assert_eq!(options, wanted);
        assert_eq!(read(&super::request_options(None, None, None))["headers"], serde_json::json!({}));
    }

    #[test]
    fn a_page_address_that_is_too_long_is_left_out() {
        let body = read(&session_request(Mode::Voice, "en", UnixMillis(0), &"x".repeat(513)));
        assert!(body.get("page").is_none());
    }
}
