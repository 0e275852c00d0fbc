#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const LIMITS: HeadLimits = HeadLimits { bytes: 2_048, headers: 8 };

fn refused(text: &str) -> Refusal {
    match parse(text.as_bytes(), LIMITS) {
        Parsed::Refused(refusal) => refusal,
        other => panic!("{text:?} gave {other:?}"),
    }
}

fn accepted(text: &str) -> Head {
    match parse(text.as_bytes(), LIMITS) {
        Parsed::Complete(head, _) => *head,
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn a_plain_request_is_read() {
    let head = accepted("POST /v1/sessions?a=b HTTP/1.1\r\nHost: gw.neoron.co.uk\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!((head.path(), head.body, head.keep_alive), ("/v1/sessions", Body::Fixed(5), true));
    assert_eq!(head.only(header::HOST), Some("gw.neoron.co.uk"));
}

#[test]
fn framing_that_two_readers_could_read_differently_is_refused() {
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length: ",
        "Content-Length: 9999999999999999",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked",
        "Content-Length : 5",
        "X: a\r\n folded",
        "X: a\nY: b",
        "X: a\rY: b",
        "X: a\0b",
        "Host: b",
        "Expect: a-miracle",
    ] {
        let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        assert_eq!(refused(&text).code, ErrorCode::MalformedRequest, "{lines}");
    }
}

#[test]
fn requests_that_are_not_for_a_path_of_one_host_are_refused() {
    for text in [
        "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /#part HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
    ] {
        assert_eq!(refused(text).code, ErrorCode::MalformedRequest, "{text:?}");
    }
}

#[test]
fn a_head_that_is_too_large_is_refused_with_431() {
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(3_000));
    assert_eq!(refused(&long).code, ErrorCode::HeadersTooLarge);
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(8));
    assert_eq!(refused(&many).code, ErrorCode::HeadersTooLarge);
    let endless = "G".repeat(2_048);
    assert_eq!(refused(&endless).code, ErrorCode::HeadersTooLarge);
}

#[test]
fn http_1_0_never_keeps_the_connection() {
    assert!(!accepted("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    assert!(!accepted("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").keep_alive);
}

/// Pieces from which almost-valid heads are built.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"GET / HTTP/1.1\r\n".to_vec()),
        Just(b"Host: a\r\n".to_vec()),
        Just(b"Content-Length: 5\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b" ".to_vec()),
        Just(b"X: y\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

/// What a reader that gets the bytes one cut at a time answers.
fn read_in_steps(bytes: &[u8], step: usize) -> Parsed {
    let mut end = 0;
    loop {
        end = (end + step).min(bytes.len());
        let parsed = parse(&bytes[..end], LIMITS);
        if parsed != Parsed::Partial || end == bytes.len() {
            return parsed;
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let _ = parse(&bytes, LIMITS);
    }

    #[test]
    fn the_answer_does_not_depend_on_how_the_bytes_were_cut(
        pieces in proptest::collection::vec(piece(), 0..12),
        step in 1_usize..40,
    ) {
        let bytes = pieces.concat();
        prop_assert_eq!(read_in_steps(&bytes, step), parse(&bytes, LIMITS));
    }

    #[test]
    fn a_head_that_is_taken_has_one_host_and_one_framing(pieces in proptest::collection::vec(piece(), 0..12)) {
        let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\n".to_vec(), pieces.concat()].concat();
        if let Parsed::Complete(head, consumed) = parse(&bytes, LIMITS) {
            prop_assert!(consumed <= bytes.len());
            prop_assert_eq!(head.all(header::HOST).count(), 1);
            let lengths = head.all(header::CONTENT_LENGTH).count();
            prop_assert!(lengths + head.all(header::TRANSFER_ENCODING).count() <= 1);
        }
    }
}
