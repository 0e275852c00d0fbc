//! A trace from the edge over a worker to ERPNext, and what happens when nobody takes it.

use std::collections::BTreeSet;

use neoron_tests::{
    Outside, Stack,
    collector::{Collector, Span},
    eventually,
    tap::{Passed, Tap},
    within,
};

use crate::talk;

/// More than fits the exporter's queue.
const REQUESTS: usize = 2_500;
const AT_ONCE: usize = 25;
const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The span that a request was made in.
fn span_of<'a>(spans: &'a [Span], request: &Passed) -> Option<&'a Span> {
    let parts: Vec<&str> = request.header("traceparent").split('-').collect();
    spans.iter().find(|span| parts.get(1) == Some(&span.trace.as_str()) && parts.get(2) == Some(&span.id.as_str()))
}

fn parent_of<'a>(spans: &'a [Span], span: &Span) -> Option<&'a Span> {
    spans.iter().find(|other| other.trace == span.trace && other.id == span.parent)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_edge_over_the_worker_to_erpnext_and_not_to_the_voice_service() {
    let (outside, collector) = (Outside::start().await.unwrap(), Collector::start().await.unwrap());
    let erpnext = Tap::start(outside.erpnext.address()).await.unwrap();
    let ultravox = Tap::start(outside.ultravox.address()).await.unwrap();
    let set = [
        format!("erpnext.url={}", erpnext.url()),
        format!("ultravox.url={}", ultravox.url()),
        "edge.trusted_proxies=127.0.0.2".to_owned(),
    ];
    let stack = Stack::around(outside, &collector.table(), &set).await.unwrap();
    // From a stranger and from a proxy of ours, before all that follows.
    for from in ["127.0.0.3", "127.0.0.2"] {
        let client = reqwest::Client::builder().no_proxy().local_address(from.parse::<std::net::IpAddr>().unwrap());
        let url = format!("{}/v1/openapi.json", stack.url());
        let asked = client.build().unwrap().get(url).header("traceparent", GIVEN).send();
        assert_eq!(within(asked).await.unwrap().unwrap().status(), 200);
    }
    let session = stack.session().await.unwrap();
    let mut socket = stack.socket(&session).await.unwrap();
    within(talk::order(&mut socket)).await.unwrap().unwrap();
    let from = socket.say("yes").await.unwrap();
    within(socket.wait(from, "document", |card| card["number"].is_string())).await.unwrap().unwrap();

    let placing = |request: &&Passed| request.path.starts_with("/api/method/") && request.path.contains("order");
    let whole = || async {
        let spans = collector.spans();
        let order = erpnext.passed().iter().find(placing).and_then(|request| span_of(&spans, request).cloned())?;
        let worker = parent_of(&spans, &order)?.clone();
        let edge = parent_of(&spans, &worker)?.clone();
        spans.iter().any(|span| span.name == "job upsert_session").then_some((order, worker, edge))
    };
    let (order, worker, edge) = eventually("the spans of the order", whole).await.unwrap();
    let spans = collector.spans();
    let request = erpnext.passed().iter().find(placing).cloned().unwrap();
    assert!(order.name.starts_with("erpnext "), "{order:?}");
    assert_eq!(order.attributes["url.template"], request.path);
    assert_eq!([worker.name.as_str(), edge.name.as_str()], ["POST /v1/tools/{tool}"; 2]);
    assert_eq!((edge.parent.as_str(), edge.service.as_str()), ("", "neoron-voice"), "the visitor's agent has no trace");
    assert_eq!(edge.attributes["http.response.status_code"], "200");
    assert_eq!(request.header("x-frappe-request-id"), edge.attributes["neoron.request_id"]);
    assert_eq!(worker.attributes["neoron.request_id"], edge.attributes["neoron.request_id"]);

    // A job goes on in the trace of the request that made it, under its own id.
    let job = spans.iter().find(|span| span.name == "job upsert_session").unwrap();
    let roots: Vec<&str> =
        spans.iter().filter(|it| it.trace == job.trace && it.parent.is_empty()).map(|it| it.name.as_str()).collect();
    assert_eq!(roots, ["POST /v1/sessions"], "{job:?}");
    let written = erpnext
        .passed()
        .into_iter()
        .find(|it| it.header("x-frappe-request-id") == job.attributes["messaging.message.id"]);
    assert!(written.is_some_and(|request| request.header("traceparent").contains(&job.trace)));

    for request in ultravox.passed() {
        let ours = request.headers.keys().map(|name| name.as_str());
        let ours: Vec<&str> = ours.filter(|name| name.contains("trace") || name.contains("request-id")).collect();
        assert!(ours.is_empty(), "{}: {ours:?}", request.path);
    }
    assert!(spans.iter().any(|span| span.name == "ultravox create_call"));
    // Kinds of work only: no session, no visitor, no file is in a name.
    let names: BTreeSet<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert!(names.iter().all(|name| !name.contains(&session.id)) && names.len() < 40, "{names:?}");
    let given = spans.iter().filter(|span| GIVEN.contains(&span.trace) && span.parent == "00f067aa0ba902b7");
    assert_eq!(given.count(), 1, "only a proxy of ours says where a request belongs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_nothing_up() {
    // Connections are taken by the system and nobody ever reads them.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let table = format!("[telemetry]\notlp_url = \"http://{}\"\n", silent.local_addr().unwrap());
    let stack = std::sync::Arc::new(Stack::start(&table).await.unwrap());
    let visitors: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let stack = stack.clone();
            tokio::spawn(async move {
                for _ in 0..REQUESTS / AT_ONCE {
                    let asked = stack.client.get(format!("{}/v1/openapi.json", stack.url())).send();
                    assert_eq!(asked.await.unwrap().status(), 200);
                }
            })
        })
        .collect();
    for visitor in visitors {
        within(visitor).await.unwrap().unwrap();
    }
    let session = stack.session().await.unwrap();
    let mut socket = stack.socket(&session).await.unwrap();
    within(talk::order(&mut socket)).await.unwrap().unwrap();
    let told = || async { stack.whole_log().contains("the collector takes no spans").then_some(()) };
    eventually("the operator to be told", told).await.unwrap();
}
