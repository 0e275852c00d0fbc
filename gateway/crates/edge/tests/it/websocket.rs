//! The relay.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use neoron_edge::EdgeConfig;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::support::{ORIGIN, TOKEN, World, client::Client, config, session, soon, worker::TestWorker};

const RFC_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const RFC_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A visitor's socket.
pub(crate) async fn open(world: &World, number: u8) -> Socket {
    let url = format!("ws://{}/v1/sessions/{}/events", world.edge.public_address(), session(number));
    let mut request = url.into_client_request().unwrap();
    let protocols = format!("neoron.v1, neoron.ticket.{TOKEN}");
    request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    let (socket, response) = soon("the handshake", connect_async(request)).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "neoron.v1");
    assert!(response.headers().contains_key("x-request-id"));
    socket
}

pub(crate) async fn next(socket: &mut Socket) -> Message {
    soon("a message", socket.next()).await.unwrap().unwrap()
}

/// The handshake's text.
fn handshake(extra: &str) -> String {
    format!(
        "GET /v1/sessions/{}/events HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {RFC_KEY}\r\n\
         Sec-WebSocket-Protocol: neoron.v1, neoron.ticket.{TOKEN}\r\n{extra}\r\n",
        session(1)
    )
}

fn switched(lines: &str) -> Vec<u8> {
    let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n";
    format!("{head}{lines}\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_any_size_come_back_as_they_were() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut socket = open(&world, 1).await;
    for size in [0, 1, 125, 126, 1_000, 20_000, 65_000] {
        let text = "x".repeat(size);
        socket.send(Message::text(text.clone())).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text(text));
    }
    socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "bye".into() })).await.unwrap();
    let Message::Close(Some(frame)) = next(&mut socket).await else { panic!("no close") };
    assert_eq!(frame.code, CloseCode::Normal);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_the_worker_back_and_loses_nothing() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let (mut sink, mut stream) = open(&world, 1).await.split();
    let sending = tokio::spawn(async move {
        for number in 0..400_u32 {
            let mut bytes = vec![0; 40_000];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            sink.send(Message::binary(bytes)).await.unwrap();
        }
        sink
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    for number in 0..400_u32 {
        let message = soon("a message", stream.next()).await.unwrap().unwrap().into_data();
        assert_eq!((message.len(), &message[..4]), (40_000, number.to_be_bytes().as_slice()));
    }
    drop(sending.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_is_not_one_is_refused() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let good = handshake("");
    let cases = [
        (good.replace("Upgrade: websocket\r\n", ""), 426, "upgrade_required"),
        (good.replace("Version: 13", "Version: 8"), 426, "upgrade_required"),
        (good.replace(RFC_KEY, "c2hvcnQ="), 400, "malformed_request"),
        (good.replace("Connection: Upgrade", "Connection: keep-alive"), 400, "malformed_request"),
        (good.replace("Upgrade: websocket", "Upgrade: h2c"), 400, "malformed_request"),
        (good.replace(TOKEN, "short"), 401, "ticket_invalid"),
        (handshake("Origin: https://evil.example\r\n"), 403, "origin_refused"),
        (format!("{good}\u{1}early"), 400, "malformed_request"),
    ];
    for (text, status, code) in cases {
        world.ask(&text).await.is_problem(status, code);
    }
    let reply = world.ask(&good.replace("Version: 13", "Version: 8")).await;
    assert_eq!(reply.header("sec-websocket-version"), Some("13"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_refuses_is_heard_by_the_client() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let reply = world.ask(&handshake("X-Test-Refuse: yes\r\n")).await;
    assert_eq!((reply.status, reply.body.as_slice()), (401, b"{\"code\":\"ticket_invalid\"}".as_slice()));
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_101_that_proves_nothing_is_a_502() {
    let right = format!("sec-websocket-accept: {RFC_ACCEPT}\r\n");
    let cases = [
        switched("sec-websocket-accept: c29tZXRoaW5nIGVsc2U=\r\n"),
        switched(""),
        switched(&format!("{right}sec-websocket-extensions: permessage-deflate\r\n")),
        switched(&format!("{right}sec-websocket-protocol: something.else\r\n")),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
        b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
    ];
    for bytes in cases {
        let name = String::from_utf8_lossy(&bytes).into_owned();
        let worker = TestWorker::scripted_by(move |_| Some(bytes.clone())).await;
        let world = World::with(config(), &[&worker]).await;
        let reply = world.ask(&handshake("")).await;
        assert_eq!(reply.status, 502, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_in_the_packet_of_the_101_are_frames_like_all_others() {
    let worker = TestWorker::scripted_by(|head| {
        assert!(!head.to_lowercase().contains("sec-websocket-extensions"));
        Some([switched(&format!("sec-websocket-accept: {RFC_ACCEPT}\r\n")), b"\x81\x05hello".to_vec()].concat())
    })
    .await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    assert_eq!(client.ask(&handshake("Sec-WebSocket-Extensions: permessage-deflate\r\n")).await.status, 101);
    assert_eq!(client.rest().await, b"\x81\x05hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmasked_or_too_long_frame_of_a_client_ends_the_socket_with_1002() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    for frame in [b"\x81\x05hello".to_vec(), [b"\x82\xff".to_vec(), u64::MAX.to_be_bytes().to_vec()].concat()] {
        let mut client = Client::connect(world.edge.public_address()).await;
        assert_eq!(client.ask(&handshake("")).await.status, 101);
        client.send(&frame).await;
        assert_eq!(client.exactly(4).await, [0x88, 2, 0x03, 0xea]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_silent_for_too_long_is_closed() {
    let worker = TestWorker::echo().await;
    let world = World::with(EdgeConfig { stream_idle: Duration::from_millis(400), ..config() }, &[&worker]).await;
    let mut socket = open(&world, 1).await;
    let Message::Close(Some(frame)) = next(&mut socket).await else { panic!("no close") };
    assert_eq!(frame.code, CloseCode::Away);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_too_old_is_asked_to_come_back() {
    let worker = TestWorker::echo().await;
    let world = World::with(EdgeConfig { stream_max_age: Duration::from_millis(400), ..config() }, &[&worker]).await;
    let mut socket = open(&world, 1).await;
    let Message::Close(Some(frame)) = next(&mut socket).await else { panic!("no close") };
    assert_eq!(frame.code, CloseCode::Restart);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_an_event_stream_gets_one() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let text = format!(
        "GET /v1/sessions/{}/events HTTP/1.1\r\nHost: gw\r\nAccept: text/event-stream\r\n\
         Authorization: Bearer {TOKEN}\r\n\r\n",
        session(1)
    );
    let reply = world.ask(&text).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    assert!(reply.body.starts_with(b"id: e:1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_opens_at_another_worker_when_its_own_is_dead() {
    let (mut one, two) = (TestWorker::echo().await, TestWorker::echo().await);
    let world = World::with(config(), &[&one, &two]).await;
    one.die().await;
    for number in 1..=6 {
        let mut socket = open(&world, number).await;
        socket.send(Message::text("there?")).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text("there?"));
    }
}
