//! The built binary: exit codes, messages, files.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{CANARY, Folder, SOUND, neoron, with_input};

#[test]
fn check_ends_with_0_for_a_sound_configuration() {
    let folder = Folder::new();
    folder.write("neoron.toml", SOUND);
    let ran = neoron(folder.path(), &["check"]).ended(0);
    assert!(ran.out.contains("sound: 1 site(s), 4 business profile(s)"), "{}", ran.out);
    let ran = neoron(folder.path(), &["check", "--format", "json"]).ended(0);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["ok"], true);
}

#[test]
fn check_and_run_end_with_78_for_a_wrong_one() {
    let folder = Folder::new();
    let file = folder.write("wrong.toml", "[gateway]\nworkres = 2\n");
    let file = file.to_str().unwrap();
    for command in ["check", "run"] {
        let ran = neoron(folder.path(), &[command, "--config", file]).ended(78);
        assert!(ran.err.contains("did you mean `workers`?"), "{}", ran.err);
        assert!(ran.err.contains("nothing was started"), "{}", ran.err);
    }
    let ran = neoron(folder.path(), &["check", "--config", file, "--format", "json"]).ended(78);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["ok"], false);
    assert_eq!(ran.err, "");
    let ran = neoron(folder.path(), &["check", "--config", "nowhere.toml"]).ended(78);
    assert!(ran.err.contains("cannot read the file nowhere.toml"), "{}", ran.err);
}

#[test]
fn a_part_alone_says_that_the_embedded_store_serves_one_process() {
    let folder = Folder::new();
    folder.write("neoron.toml", SOUND);
    for role in ["gateway", "worker"] {
        let ran = neoron(folder.path(), &["run", "--role", role]).ended(78);
        assert!(ran.err.contains("the embedded store serves one process"), "{}", ran.err);
        let url = ["--set", "store.url=redis://127.0.0.1:1"];
        let ran = neoron(folder.path(), &[&["run", "--role", role], &url[..]].concat()).ended(78);
        assert!(ran.err.contains("needs edge.key, the same for all"), "{}", ran.err);
    }
}

#[test]
fn a_store_in_redis_that_is_not_there_is_told_without_its_password() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["jobs", "list", "--set", "store.url=redis://me:secret@127.0.0.1:1"]).ended(1);
    assert!(ran.err.contains("none of the store's 1 servers answers"), "{}", ran.err);
    assert!(!ran.err.contains("secret"), "{}", ran.err);
}

#[test]
fn the_printed_defaults_are_read_back() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["config", "default"]).ended(0);
    folder.write("neoron.toml", &ran.out);
    let ran = neoron(folder.path(), &["check"]).ended(78);
    assert!(!ran.err.contains("no such key"), "{}", ran.err);
    let ran = neoron(folder.path(), &["config", "default", "--business", "restaurant"]).ended(0);
    assert!(ran.out.contains("[business.restaurant.tools.placeOrder]"));
    neoron(folder.path(), &["config", "default", "--business", "bakery"]).ended(1);
}

#[test]
fn show_tells_where_each_value_comes_from_and_no_secret() {
    let folder = Folder::new();
    folder.write("neoron.toml", SOUND);
    let ran = neoron(folder.path(), &["config", "show", "--set", "worker.capacity=7"]).ended(0);
    assert!(ran.out.contains("worker.capacity = 7  # flag --set worker.capacity"), "{}", ran.out);
    assert!(ran.out.contains("ultravox.api_key = [secret]  # file neoron.toml:5:11"), "{}", ran.out);
    assert!(!ran.out.contains(CANARY));
    let ran = neoron(folder.path(), &["config", "show", "--format", "json", "erpnext"]).ended(0);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["erpnext.concurrency"]["layer"], "default");
    assert!(shown.get("worker.capacity").is_none());
}

#[test]
fn explain_tells_meaning_default_and_how_to_set_a_key() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["config", "explain", "erpnext.concurrency"]).ended(0);
    for expected in ["Requests at once", "8", "NEORON_ERPNEXT__CONCURRENCY", "--set erpnext.concurrency"] {
        assert!(ran.out.contains(expected), "{}", ran.out);
    }
    let ran = neoron(folder.path(), &["config", "explain", "erpnext"]).ended(0);
    assert!(ran.out.contains("erpnext.token"), "{}", ran.out);
    let ran = neoron(folder.path(), &["config", "explain", "erpnext.concurency"]).ended(1);
    assert!(ran.err.contains("did you mean erpnext.concurrency?"), "{}", ran.err);
}

#[test]
fn a_new_key_mints_a_grant_that_the_gateway_believes() {
    let folder = Folder::new();
    let made = neoron(folder.path(), &["keys", "new", "--site", "shop", "--kid", "k1", "--out", "keys"]).ended(0);
    let private = folder.path().join("keys/shop-k1.key");
    assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(&private).unwrap();
    assert!(!made.out.contains(secret.trim()) && !made.err.contains(secret.trim()));
    neoron(folder.path(), &["keys", "new", "--site", "shop", "--kid", "k1", "--out", "keys"]).ended(1);

    folder.write("neoron.toml", &format!("{SOUND}\n[sites.shop]\norigins = [\"https://shop.example\"]\n{}", made.out));
    let listed = neoron(folder.path(), &["keys", "list"]).ended(0);
    assert!(listed.out.contains("shop  https://shop.example"), "{}", listed.out);

    let key = "keys/shop-k1.key";
    let mint = ["grant", "mint", "--site", "shop", "--key", key, "--kid", "k1", "--origin", "https://shop.example"];
    let token = neoron(folder.path(), &mint).ended(0).out;
    let seen = with_input(folder.path(), &["grant", "inspect"], &token).ended(0);
    assert_eq!(serde_json::from_str::<Value>(&seen.out).unwrap()["claims"]["iss"], "shop");
    let seen = with_input(folder.path(), &["grant", "inspect", "--verify"], &token).ended(0);
    assert_eq!(serde_json::from_str::<Value>(&seen.out).unwrap()["verdict"], "good");

    let other =
        ["grant", "mint", "--site", "pizzeria", "--key", key, "--kid", "k1", "--origin", "https://pizzeria.example"];
    let token = neoron(folder.path(), &other).ended(0).out;
    let seen = with_input(folder.path(), &["grant", "inspect", "--verify"], &token).ended(1);
    assert!(seen.out.contains("signature does not match"), "{}", seen.out);
    with_input(folder.path(), &["grant", "inspect"], "nonsense").ended(1);
}

#[test]
fn a_staff_token_is_told_once_and_only_its_hash_is_configured() {
    let folder = Folder::new();
    let made = neoron(folder.path(), &["keys", "staff", "--name", "desk"]).ended(0);
    let token = made.err.lines().find(|line| line.trim().len() == 43).unwrap().trim().to_owned();
    assert!(made.out.starts_with("[staff.desk]\ntoken_sha256 = \""), "{}", made.out);
    assert!(!made.out.contains(&token));
    neoron(folder.path(), &["keys", "staff", "--name", "a desk"]).ended(1);
}

#[test]
fn a_signed_webhook_verifies_and_a_changed_one_does_not() {
    let folder = Folder::new();
    folder.write("secret", "a-secret-of-sixteen-or-more\n");
    folder.write("body", r#"{"event":"call.ended"}"#);
    folder.write("other", r#"{"event":"call.joined"}"#);
    let common = ["--secret-file", "secret"];
    for (kind, timestamp) in [("ultravox", Some("2026-11-24T10:00:00Z")), ("erpnext", None)] {
        let at: Vec<&str> = timestamp.map(|at| vec!["--timestamp", at]).unwrap_or_default();
        let sign = [&["webhook", "sign", "--kind", kind][..], &common, &at, &["body"]].concat();
        let signed = neoron(folder.path(), &sign).ended(0).out;
        let line = signed.lines().find(|line| line.contains("Signature: ")).unwrap();
        let signature = line.split_once(": ").unwrap().1;
        for (body, code) in [("body", 0), ("other", 1)] {
            let verify =
                [&["webhook", "verify", "--kind", kind][..], &common, &at, &["--signature", signature, body]].concat();
            neoron(folder.path(), &verify).ended(code);
        }
    }
}

#[test]
fn a_known_signature_is_made() {
    // HMAC-SHA256 as RFC 4231, test case 2, has it.
    let folder = Folder::new();
    folder.write("secret", "Jefe");
    folder.write("body", "what do ya want for nothing?");
    let sign = ["webhook", "sign", "--kind", "ultravox", "--secret-file", "secret", "--timestamp", "", "body"];
    let ran = neoron(folder.path(), &sign).ended(0);
    assert!(ran.out.contains("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), "{}", ran.out);
}

#[test]
fn jobs_of_an_empty_store_are_none_and_a_missing_store_is_told() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["jobs", "list"]).ended(1);
    assert!(ran.err.contains("there is no store at ./neoron-data/neoron.db"), "{}", ran.err);
    folder.write("store.db", "");
    let ran = neoron(folder.path(), &["jobs", "list", "--file", "store.db"]).ended(0);
    assert!(ran.out.contains("0 ready, 0 delayed, 0 running, 0 given up"), "{}", ran.out);
    let ran = neoron(folder.path(), &["jobs", "list", "--json", "--file", "store.db"]).ended(0);
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap()["queue"]["dead"], 0);
    let ran = neoron(folder.path(), &["jobs", "retry", "--all", "--file", "store.db"]).ended(0);
    assert!(ran.out.contains("0 job(s)"), "{}", ran.out);
    let ran = neoron(folder.path(), &["jobs", "drop", "j_nonsense", "--file", "store.db"]).ended(1);
    assert!(ran.err.contains("is no job"), "{}", ran.err);
}

#[test]
fn a_gateway_that_is_not_there_is_not_ready() {
    let folder = Folder::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/readyz", listener.local_addr().unwrap());
    drop(listener);
    let ran = neoron(folder.path(), &["healthcheck", "--url", &url]).ended(1);
    assert!(ran.err.contains("no answer from"), "{}", ran.err);
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = Folder::new();
    for command in [
        &[][..],
        &["run"],
        &["check"],
        &["config"],
        &["config", "default"],
        &["config", "explain"],
        &["config", "show"],
        &["healthcheck"],
        &["keys"],
        &["keys", "new"],
        &["keys", "list"],
        &["keys", "staff"],
        &["grant"],
        &["grant", "mint"],
        &["grant", "inspect"],
        &["webhook"],
        &["webhook", "sign"],
        &["webhook", "verify"],
        &["jobs"],
        &["jobs", "list"],
        &["jobs", "retry"],
        &["jobs", "drop"],
        &["demo"],
        &["completions"],
        &["man"],
    ] {
        let ran = neoron(folder.path(), &[command, &["--help"]].concat()).ended(0);
        let example = format!("  neoron {}", command.join(" "));
        assert!(ran.out.contains("Example") && ran.out.contains(example.trim_end()), "{command:?}\n{}", ran.out);
    }
}

#[test]
fn completions_and_the_manual_page_are_made() {
    let folder = Folder::new();
    assert!(neoron(folder.path(), &["completions", "bash"]).ended(0).out.contains("_neoron"));
    let page = neoron(folder.path(), &["man"]).ended(0).out;
    assert!(page.contains(".TH neoron 1") && page.contains("healthcheck"), "{page}");
    neoron(folder.path(), &["nonsense"]).ended(2);
}
