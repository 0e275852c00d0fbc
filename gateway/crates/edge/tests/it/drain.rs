//! Leaving without dropping anybody.

use std::time::Duration;

use futures_util::SinkExt;
use neoron_edge::{Drained, EdgeConfig};
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use crate::{
    support::{
        ORIGIN, TOKEN, World, client, config, session, snapshot, soon, start_session, until, worker::TestWorker,
    },
    websocket::{next, open},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_socket_hears_1012_and_the_drain_ends_when_the_last_is_gone() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut sockets = Vec::new();
    for number in 1..=20 {
        let mut socket = open(&world, number).await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text("hello"));
        sockets.push(socket);
    }
    let listen = async {
        for socket in &mut sockets {
            let Message::Close(Some(frame)) = next(socket).await else { panic!("no close") };
            assert_eq!(frame.code, CloseCode::Restart);
            let _ = socket.close(None).await;
        }
    };
    let ((), drained) = tokio::join!(listen, soon("the drain", world.edge.drain()));
    assert_eq!(drained, Drained { left: 0 });
    soon("the end", world.edge.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_has_begun_is_delivered_before_the_1012() {
    // The worker sends half a frame with its 101, and the rest when the drain is on.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (go, mut gone) = tokio::sync::mpsc::channel::<()>(1);
    let worker = TestWorker::echo().await;
    let mut beat = worker.beat();
    beat.address = address;
    let serving = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4_096];
            let count = stream.read(&mut head).await.unwrap();
            if head[..count].starts_with(b"GET /internal") {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                continue;
            }
            let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
            let head = format!("HTTP/1.1 101 S\r\nupgrade: websocket\r\nconnection: upgrade\r\n{accept}\r\n\r\n");
            stream.write_all(&[head.as_bytes(), b"\x81\x0ahello"].concat()).await.unwrap();
            gone.recv().await.unwrap();
            stream.write_all(b"world\x81\x03no!").await.unwrap();
            let mut bin = Vec::new();
            let _ = stream.read_to_end(&mut bin).await;
            return bin;
        }
    });
    let world = World::empty(EdgeConfig { drain_spread: Duration::from_millis(1), ..config() });
    neoron_store::Workers::beat(&*world.store, beat, Duration::from_secs(86_400)).await.unwrap();
    world.sees(1).await;
    let mut client = world.connect().await;
    let text = format!(
        "GET /v1/sessions/{}/events HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: neoron.ticket.{TOKEN}\r\n\r\n",
        session(1)
    );
    assert_eq!(client.ask(&text).await.status, 101);
    assert_eq!(client.exactly(7).await, b"\x81\x0ahello");
    let admin = world.edge.admin_address();
    let (drained, rest) = tokio::join!(world.edge.drain(), async {
        until("the drain", || async move { client::get(admin, "/readyz").await.json()["status"] == "draining" }).await;
        go.send(()).await.unwrap();
        let rest = client.rest().await;
        drop(client);
        rest
    });
    // The relay may hear of the drain a moment later than the operators: then one more whole frame passes.
    let rest = rest.strip_prefix(b"world").expect("the frame's rest");
    let rest = rest.strip_prefix(b"\x81\x03no!").unwrap_or(rest);
    assert_eq!(rest, b"\x88\x02\x03\xf4");
    assert_eq!(drained, Drained { left: 0 });
    let told = soon("the worker's side", serving).await.unwrap();
    assert_eq!((told.len(), told[0], told[1]), (8, 0x88, 0x82), "a masked close");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_draining_no_session_starts_but_those_that_are_there_go_on() {
    let worker = TestWorker::echo().await;
    let world = World::with(EdgeConfig { drain_deadline: Duration::from_secs(60), ..config() }, &[&worker]).await;
    let mut idle = world.connect().await;
    assert_eq!(idle.ask(&snapshot(session(1))).await.status, 200);
    // A socket that does not answer its close keeps the drain busy for a while.
    let _socket = open(&world, 1).await;
    let drained = soon("the drain", world.edge.drain()).await;
    assert_eq!(drained.left, 0);
    assert!(idle.rest().await.is_empty(), "an idle connection is closed");
    let refused = world.ask(&start_session(&world.grant("a"), ORIGIN)).await;
    assert!(refused.header("retry-after").is_some());
    refused.is_problem(503, "draining");
    let reply = world.ask(&snapshot(session(1))).await;
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    let ready = client::get(world.edge.admin_address(), "/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some("draining")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_as_the_drain_begins_is_answered_and_its_connection_closed() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut kept = world.connect().await;
    assert_eq!(kept.ask(&snapshot(session(1))).await.status, 200);
    let admin = world.edge.admin_address();
    let (drained, reply) = tokio::join!(soon("the drain", world.edge.drain()), async {
        until("the drain", || async move { client::get(admin, "/readyz").await.json()["status"] == "draining" }).await;
        kept.ask(&snapshot(session(1))).await
    });
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert_eq!(drained, Drained { left: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_ends_at_its_deadline() {
    let worker = TestWorker::scripted_by(|_| None).await;
    let world = World::with(EdgeConfig { drain_deadline: Duration::from_millis(200), ..config() }, &[&worker]).await;
    let mut stuck = world.connect().await;
    stuck.send(snapshot(session(1))).await;
    let admin = world.edge.admin_address();
    until("the request to be on its way", || async move { client::get(admin, "/workers").await.json()["busy"] == 1 })
        .await;
    assert_eq!(soon("the deadline", world.edge.drain()).await, Drained { left: 1 });
    let address = world.edge.public_address();
    soon("the end", world.edge.stop()).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the port is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_ends_before_its_next_event() {
    // The worker sends an event every few milliseconds for ever.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut beat = TestWorker::echo().await.beat();
    beat.address = listener.local_addr().unwrap();
    let app = axum::Router::new().route("/internal/health", axum::routing::get(|| async {})).fallback(|| async {
        let events = futures_util::stream::unfold(0_u32, |number| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(format!("data: {number}\n\n")), number + 1))
        });
        ([("content-type", "text/event-stream")], axum::body::Body::from_stream(events))
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let world = World::empty(config());
    neoron_store::Workers::beat(&*world.store, beat, Duration::from_secs(86_400)).await.unwrap();
    world.sees(1).await;
    let mut client = world.connect().await;
    let text = snapshot(session(1))
        .replace(" HTTP/1.1", "/events HTTP/1.1")
        .replace("Host", "Accept: text/event-stream\r\nHost");
    client.send(text).await;
    client.exactly(200).await;
    let (drained, rest) = tokio::join!(soon("the drain", world.edge.drain()), client.rest());
    assert_eq!(drained, Drained { left: 0 });
    assert!(!rest.ends_with(b"0\r\n\r\n"), "cut, so that the client knows that there is more");
}
