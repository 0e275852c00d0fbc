//! What HTTP allows and what it does not, on raw sockets.

use crate::support::{World, client::Client, config, session, snapshot, webhook, worker::TestWorker};

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_could_smuggle_are_refused_and_the_connection_is_closed() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let post = |lines: &str| format!("POST /webhook/erpnext HTTP/1.1\r\n{lines}\r\n\r\nhello");
    let cases = [
        ("CL and TE", post("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked")),
        ("two lengths", post("Host: a\r\nContent-Length: 5\r\nContent-Length: 5")),
        ("a list of lengths", post("Host: a\r\nContent-Length: 5, 5")),
        ("a signed length", post("Host: a\r\nContent-Length: +5")),
        ("no host", post("Content-Length: 5")),
        ("two hosts", post("Host: a\r\nHost: a\r\nContent-Length: 5")),
        ("space before the colon", post("Host: a\r\nContent-Length : 5")),
        ("a folded line", post("Host: a\r\nX: y\r\n z\r\nContent-Length: 5")),
        ("bare line feeds", "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        ("a NUL", post("Host: a\r\nX: \0\r\nContent-Length: 5")),
        ("TE on HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
        ("an absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("an authority target", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ];
    for (name, text) in cases {
        let mut client = world.connect().await;
        let reply = client.ask(&text).await;
        assert_eq!(reply.status, 400, "{name}");
        reply.is_problem(400, "malformed_request");
        assert!(client.rest().await.is_empty(), "{name}: nothing follows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::empty(config());
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000));
    world.ask(&long).await.is_problem(431, "headers_too_large");
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(70));
    world.ask(&many).await.is_problem(431, "headers_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_turn() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    let all = [webhook("{\"n\":1}"), snapshot(session(1)), "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()];
    client.send(all.concat()).await;
    assert_eq!(client.reply().await.json()["body"], "{\"n\":1}");
    assert_eq!(client.reply().await.json()["path"], format!("/v1/sessions/{}", session(1)));
    client.reply().await.is_problem(404, "not_found");
    assert_eq!(client.ask(&snapshot(session(2))).await.status, 200, "and the connection lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_while_the_one_before_is_served_waits_for_its_turn() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    for _ in 0..20 {
        client.send(snapshot(session(1))).await;
        client.send(&snapshot(session(2))[..30]).await;
        client.send(&snapshot(session(2))[30..]).await;
        for expected in [session(1), session(2)] {
            assert_eq!(client.reply().await.json()["path"], format!("/v1/sessions/{expected}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_and_a_body_in_any_pieces_are_one_request() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    client.stream.set_nodelay(true).unwrap();
    for byte in webhook("{\"n\":1}").into_bytes() {
        client.send([byte]).await;
    }
    assert_eq!(client.reply().await.json()["body"], "{\"n\":1}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_its_half_still_gets_its_answer() {
    use tokio::io::AsyncWriteExt;
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    client.send(webhook("{}")).await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.reply().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_gets_an_answer_and_a_closed_connection() {
    let worker = TestWorker::echo().await;
    let world = World::with(config(), &[&worker]).await;
    let mut client = world.connect().await;
    let text = snapshot(session(1)).replace("HTTP/1.1", "HTTP/1.0");
    client.send(text).await;
    let all = String::from_utf8(client.rest().await).unwrap();
    assert!(all.contains(" 200 "), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_bound_are_told_so() {
    let world = World::empty(neoron_edge::EdgeConfig { max_connections_per_address: 1, ..config() });
    let mut first = world.connect().await;
    first.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n").await.is_problem(404, "not_found");
    let mut second = Client::connect(world.edge.public_address()).await;
    let reply = second.reply().await;
    assert!(reply.header("retry-after").is_some());
    reply.is_problem(429, "too_many_requests");
}
