//! The popup's files.

use std::fs;

use neoron_edge::{Edge, EdgeConfig, StartError};

use crate::support::{World, config};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("v/0123abcd45")).unwrap();
    write("loader.js", "loader");
    write("loader.js.br", "brotli");
    write("v/0123abcd45/popup.wasm", "wasm");
    write("secrets.env", "do not serve");
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_with_their_type_their_tag_and_how_long_they_live() {
    let folder = folder();
    let world = World::empty(EdgeConfig { widget_dir: Some(folder.path().to_owned()), ..config() });
    let get = |path: &str, lines: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let loader = world.ask(&get("/widget/loader.js?v=1", "")).await;
    assert_eq!((loader.status, loader.body.as_slice()), (200, b"loader".as_slice()));
    for (name, value) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("cache-control", "public, max-age=300, stale-while-revalidate=86400"),
        ("access-control-allow-origin", "*"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("x-content-type-options", "nosniff"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(loader.header(name), Some(value));
    }
    let etag = loader.header("etag").unwrap();
    let known = world.ask(&get("/widget/loader.js", &format!("If-None-Match: {etag}\r\n"))).await;
    assert_eq!((known.status, known.header("etag")), (304, Some(etag)));
    let small = world.ask(&get("/widget/loader.js", "Accept-Encoding: gzip, br\r\n")).await;
    assert_eq!((small.header("content-encoding"), small.body.as_slice()), (Some("br"), b"brotli".as_slice()));
    let refused = world.ask(&get("/widget/loader.js", "Accept-Encoding: br;q=0\r\n")).await;
    assert_eq!(refused.body, b"loader");
    let wasm = world.ask(&get("/widget/v/0123abcd45/popup.wasm", "")).await;
    assert_eq!(wasm.header("content-type"), Some("application/wasm"));
    assert_eq!(wasm.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let mut client = world.connect().await;
    client.send("HEAD /widget/loader.js HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(client.reply_to("HEAD").await.header("content-length"), Some("6"));
    assert_eq!(client.ask(&get("/widget/loader.js", "")).await.body, b"loader", "nothing of the HEAD's body follows");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leaves_the_folder_and_no_unknown_kind_is_served() {
    let folder = folder();
    let world = World::empty(EdgeConfig { widget_dir: Some(folder.path().to_owned()), ..config() });
    for path in [
        "/widget/../Cargo.toml",
        "/widget/v/../loader.js",
        "/widget/%2e%2e/loader.js",
        "/widget//loader.js",
        "/widget/secrets.env",
        "/widget/loader.js.br",
        "/widget/v/",
    ] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        world.ask(&text).await.is_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_a_taken_port_and_wrong_settings_are_clear_errors() {
    let world = World::empty(config());
    let deps = || neoron_edge::EdgeDeps {
        store: world.store.clone(),
        clock: world.clock.clone(),
        keys: Default::default(),
        more_metrics: None,
    };
    let taken = EdgeConfig { listen: world.edge.public_address(), ..config() };
    assert!(matches!(Edge::start(taken, deps()), Err(StartError::Listen { .. })));
    let missing = EdgeConfig { widget_dir: Some("/nowhere/at/all".into()), ..config() };
    assert!(matches!(Edge::start(missing, deps()), Err(StartError::Widget(_))));
    let wrong = EdgeConfig { threads: 0, ..config() };
    assert!(matches!(Edge::start(wrong, deps()), Err(StartError::Settings(all)) if all.len() == 1));
}
