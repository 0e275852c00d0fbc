//! Mistakes, layers and secrets.

use std::time::Duration;

use neoron_gateway::config::{self, Origin, Path};
use proptest::prelude::*;

use crate::support::{CANARY, Folder, Given, SOUND};

/// The messages of everything that is wrong, one a line.
fn told(file: &str) -> String {
    Given { file, ..Given::default() }.problems().to_string()
}

#[test]
fn a_sound_configuration_loads_and_gets_every_default() {
    let config = Given { file: SOUND, ..Given::default() }.load().unwrap();
    assert_eq!(config.worker.capacity, 250);
    assert_eq!(config.worker.keep_finished, Duration::from_secs(24 * 3_600));
    assert_eq!(config.edge.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((config.worker.calls_per_network, config.worker.waiting_room), (8, 50));
    assert_eq!(config.edge.limits.pow_below, 25);
    assert_eq!(config.worker.sites["pizzeria"].minutes_per_day, 600);
    assert_eq!(config.worker.sites["pizzeria"].max_calls, 100);
    let businesses: Vec<&str> = config.worker.businesses.keys().map(String::as_str).collect();
    assert_eq!(businesses, ["appointment", "general", "restaurant", "support"]);
    assert!(config.keys.allows_origin("https://pizzeria.example"));
    assert!(config.edge_key_missing);
}

#[test]
fn staff_is_known_by_the_hash_of_a_token() {
    let hash = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
    let file = format!("{SOUND}\n[staff.dashboard]\ntoken_sha256 = \"{hash}\"\n");
    let config = Given { file: &file, ..Given::default() }.load().unwrap();
    assert_eq!(config.worker.staff["dashboard"].token_sha256, hash);
    let told = told(&file.replace("staff.dashboard", "staff.\"dash board\"").replace("5e88", "5E88"));
    assert!(told.contains("a staff name has 1 to 64 of"), "{told}");
    assert!(told.contains("token_sha256: is no SHA-256"), "{told}");
}

#[test]
fn all_mistakes_are_told_at_once_with_their_lines_and_columns() {
    let file = r#"[gateway]
public_url = "voice.example.com"
workres = 2

[worker]
capacity = "many"
job_lease = "1h"
  job_concurrency = 0
"#;
    let problems = Given { file, ..Given::default() }.problems();
    let places: Vec<(String, Option<(usize, usize)>)> = problems
        .list()
        .iter()
        .map(|problem| {
            let key = problem.key.as_ref().map(Path::to_string).unwrap_or_default();
            (key, problem.origin.as_ref().and_then(Origin::position))
        })
        .collect();
    for expected in [
        ("gateway.public_url", Some((2, 14))),
        ("gateway.workres", Some((3, 1))),
        ("worker.capacity", Some((6, 12))),
        ("worker.job_lease", Some((7, 13))),
        ("worker.job_concurrency", Some((8, 21))),
        ("ultravox.api_key", None),
        ("erpnext.token", None),
        ("sites", None),
    ] {
        assert!(places.contains(&(expected.0.to_owned(), expected.1)), "{expected:?} is not in {places:#?}");
    }
}

#[test]
fn an_unknown_key_comes_with_what_was_probably_meant_and_a_mark_under_it() {
    let told = told(&SOUND.replace("public_url", "publik_url"));
    assert!(told.contains("gateway.publik_url: there is no such key; did you mean `public_url`?"), "{told}");
    assert!(told.contains("neoron.toml:2:1"), "{told}");
    assert!(told.contains(" | ^^^^^^^^^^\n"), "{told}");
}

#[test]
fn a_known_key_in_the_wrong_section_is_pointed_home() {
    let told = told(&format!("{SOUND}\n[edge]\ncapacity = 5\n"));
    assert!(told.contains("did you mean `worker.capacity`?"), "{told}");
}

#[test]
fn a_wrong_type_names_what_was_expected_and_what_was_found() {
    let told = told(&format!("{SOUND}\n[worker]\ncapacity = \"many\"\nkeep_finished = 5\n[log]\nformat = \"jsn\"\n"));
    assert!(told.contains("expected a whole number from 1 to 100000, found a string"), "{told}");
    assert!(told.contains("a duration such as \"10s\", from 1m to 30d, found an integer"), "{told}");
    assert!(told.contains("expected one of \"text\", \"json\"; did you mean \"json\"?"), "{told}");
}

#[test]
fn a_value_out_of_bounds_tells_the_bounds() {
    let told = told(&format!("{SOUND}\n[worker]\ncapacity = 100001\nkeep_finished = \"5s\"\n"));
    assert!(told.contains("must be 1 to 100000, but it is 100001"), "{told}");
    assert!(told.contains("must be 1m to 30d, but it is 5s"), "{told}");
}

#[test]
fn what_is_missing_tells_how_to_set_it() {
    let told = told(&SOUND.replace("api_key = \"canary-canary-canary-api\"\n", ""));
    assert!(told.contains("set ultravox.api_key, or ultravox.api_key_file, or NEORON_ULTRAVOX__API_KEY"), "{told}");
    assert!(told.contains("1 error in the configuration"), "{told}");
}

#[test]
fn a_table_in_the_place_of_a_value_and_the_reverse_are_refused() {
    let told = told(&format!("erpnext = 5\n{}", SOUND.replace("[erpnext]", "[erpnext_]")));
    assert!(told.contains("erpnext: expected a table, found integer"), "{told}");
}

#[test]
fn text_that_is_no_toml_is_told_with_its_place() {
    let told = told("[gateway]\npublic_url = \n");
    assert!(told.contains("neoron.toml:2:"), "{told}");
}

#[test]
fn values_that_do_not_fit_each_other_are_told_where_they_stand() {
    let file = format!(
        "{SOUND}\n[worker]\njob_lease = \"15s\"\n[edge]\nadmin = \"127.0.0.1:8080\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n"
    );
    let file = file.replace("https://pizzeria.example", "https://pizzeria.example/").replace("Europe", "Mars");
    let file = file.replace("token = \"key:", "time_zone = \"Mars/Olympus\"\ntoken = \"key:");
    let problems = Given { file: &file, ..Given::default() }.problems();
    let told = problems.to_string();
    for expected in [
        "worker.job_lease: must be longer than erpnext.request_deadline",
        "edge.admin: must be another address than edge.listen",
        "edge.trusted_proxies: \"10.0.0.0/8\" is no IP address",
        "sites.pizzeria.origins: \"https://pizzeria.example/\" is not an exact origin; write \"https://pizzeria.example\"",
        "erpnext.time_zone: is no IANA time zone",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
    assert!(problems.list().iter().all(|problem| problem.origin.is_some()));
}

#[test]
fn plain_http_is_for_this_machine_only() {
    let local = SOUND.replace("https://voice.example.com", "http://127.0.0.1:8080");
    assert!(Given { file: &local, ..Given::default() }.load().is_ok());
    let told = told(&SOUND.replace("https://", "http://"));
    assert!(told.contains("gateway.public_url: must begin with https://"), "{told}");
    assert!(told.contains("sites.pizzeria.origins: \"http://pizzeria.example\" must begin with https://"), "{told}");
}

#[test]
fn a_site_without_a_usable_key_is_refused() {
    let no_key = SOUND.split("[sites.pizzeria.keys]").next().unwrap().to_owned();
    assert!(told(&no_key).contains("`neoron keys new --site pizzeria` makes one"));
    let weak = SOUND.replace("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", &"A".repeat(43));
    assert!(told(&weak).contains("not a usable Ed25519 key"));
}

#[test]
fn later_layers_win_and_remember_who_they_are() {
    let folder = Folder::new();
    let file = format!("{SOUND}\n[worker]\ncapacity = 10\njob_concurrency = 3\n");
    let given = Given {
        file: &file,
        environment: &[
            ("NEORON_WORKER__CAPACITY", "20"),
            ("NEORON_WORKER__WEBHOOK_WINDOW", "60s"),
            ("NEORON_PORT", "x"),
        ],
        flags: &["worker.capacity=30", "worker.capacity=40"],
    };
    let (settings, problems) = config::read(&given.sources(&folder));
    assert!(problems.is_empty(), "{problems}");
    let origin = |key: &str| settings.get(&Path::parse(key).unwrap()).unwrap().origin.shown();
    assert_eq!(origin("worker.capacity"), "flag --set worker.capacity");
    assert_eq!(origin("worker.webhook_window"), "environment NEORON_WORKER__WEBHOOK_WINDOW");
    assert!(origin("worker.job_concurrency").ends_with("neoron.toml:23:19"), "{}", origin("worker.job_concurrency"));
    assert!(origin("worker.keep_finished").starts_with("default default.toml:"));
    assert_eq!(given.load().unwrap().worker.capacity, 40);
}

#[test]
fn mistakes_in_variables_and_flags_name_them() {
    let given = Given {
        file: SOUND,
        environment: &[("NEORON_WORKER__CAPACTY", "20"), ("NEORON_EDGE__THREADS", "none")],
        flags: &["worker.capacity=x", "nonsense", "erpnext.concurency=5"],
    };
    let told = given.problems().to_string();
    for expected in [
        "worker.capacty: there is no such key; did you mean `capacity`?\n  --> environment NEORON_WORKER__CAPACTY",
        "edge.threads: expected a whole number from 1 to 64\n  --> environment NEORON_EDGE__THREADS",
        "worker.capacity: expected a whole number from 1 to 100000\n  --> flag --set worker.capacity",
        "expected section.key=value\n  --> flag --set nonsense",
        "did you mean `concurrency`?\n  --> flag --set erpnext.concurency",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
}

#[test]
fn variables_find_names_in_their_own_spelling() {
    let given = Given {
        file: SOUND,
        environment: &[("NEORON_BUSINESS__RESTAURANT__TOOLS__GETMENU__TIMEOUT", "9s")],
        ..Given::default()
    };
    let config = given.load().unwrap();
    assert_eq!(config.worker.businesses["restaurant"].tools["getMenu"].timeout, Duration::from_secs(9));
}

#[test]
fn lists_may_be_given_as_toml_or_with_commas() {
    for text in ["[\"10.0.0.1\", \"10.0.0.2\"]", "10.0.0.1, 10.0.0.2"] {
        let given = Given { file: SOUND, environment: &[("NEORON_EDGE__TRUSTED_PROXIES", text)], ..Given::default() };
        assert_eq!(given.load().unwrap().edge.trusted_proxies.len(), 2, "{text}");
    }
}

#[test]
fn secrets_may_stand_in_files_of_their_own() {
    let folder = Folder::new();
    folder.write("api", "from-a-file\n");
    folder.write("webhook", "one-secret-of-sixteen\n\nanother-of-sixteen\n");
    let file = SOUND
        .replace("api_key = \"canary-canary-canary-api\"", "api_key_file = \"api\"")
        .replace("webhook_secrets = [\"canary-canary-canary-webhook\"]", "webhook_secrets_file = \"webhook\"");
    let config = config::load(&Given { file: &file, ..Given::default() }.sources(&folder)).unwrap();
    assert_eq!(config.worker.ultravox.api_key.expose(), "from-a-file");
    assert_eq!(config.worker.ultravox.webhook_secrets.len(), 2);
}

#[test]
fn a_secret_file_that_is_missing_or_given_beside_the_secret_is_refused() {
    let told = told(&SOUND.replace("[erpnext]", "api_key_file = \"nowhere\"\n[erpnext]\ntoken_file = 5"));
    assert!(told.contains("ultravox.api_key: cannot read \"nowhere\""), "{told}");
    assert!(told.contains("erpnext.token: expected a path"), "{told}");
    let folder = Folder::new();
    folder.write("api", "from-a-file\n");
    let file = SOUND.replace("[erpnext]", "api_key_file = \"api\"\n[erpnext]");
    let told = config::load(&Given { file: &file, ..Given::default() }.sources(&folder)).unwrap_err().to_string();
    assert!(told.contains("ultravox.api_key: given twice"), "{told}");
}

#[test]
fn no_report_shows_a_secret_however_wrong_its_line_is() {
    let spoiled = [
        SOUND.replace("api_key", "api_kye"),
        SOUND.replace("api_key = ", "passphrase = "),
        SOUND.replace(
            "webhook_secrets = [\"canary-canary-canary-webhook\"]",
            "webhook_secrets = \"canary-canary-canary\"",
        ),
        SOUND.replace(
            "shared_secrets = [\"canary-canary-canary-shared\"]",
            "shared_secrets = [\"canary-canary-canary\", 5]",
        ),
        SOUND.replace("token = \"key:canary-canary-canary\"", "token = \"canary-canary-canary\""),
        SOUND.replace("token = \"key:canary-canary-canary\"", "token = \"canary-canary-canary"),
        SOUND.replace("[\"canary-canary-canary-shared\"]", "[\n\"canary-canary-canary-shared\n]"),
        SOUND.replace("[ultravox]\n", "ultravox_ = { api_key = \"canary-canary-canary\" }\n[ultravox]\n"),
        format!("edge = {{ threads = 0, key = \"{CANARY}{CANARY}\" }}\n{SOUND}"),
    ];
    for file in spoiled {
        let problems = Given { file: &file, ..Given::default() }.problems();
        assert!(!problems.is_empty(), "{file}");
        for told in [problems.to_string(), problems.to_json().to_string(), format!("{problems:?}").replace(&file, "")] {
            let told = told.replace(&format!("{file:?}"), "");
            assert!(!told.contains("canary"), "{told}");
        }
    }
}

#[test]
fn problems_for_programs_carry_layer_line_column_and_suggestion() {
    let file = SOUND.replace("public_url", "publik_url");
    let told = Given { file: &file, ..Given::default() }.problems().to_json();
    let unknown = told["errors"].as_array().unwrap().iter().find(|error| error["code"] == "unknown_key").unwrap();
    assert_eq!(
        (&unknown["layer"], &unknown["line"], &unknown["column"], &unknown["did_you_mean"]),
        (&"file".into(), &2.into(), &1.into(), &"public_url".into())
    );
    assert_eq!(told["ok"], false);
}

#[test]
fn a_profile_and_a_tool_can_be_switched_off_and_overridden() {
    let file = format!(
        "{SOUND}\n[business.support]\nenabled = false\n[business.restaurant]\ngreeting = \"Buona sera.\"\n\
         [business.restaurant.tools.takeMessage]\nenabled = false\n"
    );
    let config = Given { file: &file, ..Given::default() }.load().unwrap();
    assert!(!config.worker.businesses.contains_key("support"));
    let restaurant = &config.worker.businesses["restaurant"];
    assert_eq!(restaurant.greeting, "Buona sera.");
    assert!(!restaurant.tools.contains_key("takeMessage"));
    assert!(restaurant.tools.contains_key("placeOrder"));
}

#[test]
fn a_tool_of_ones_own_needs_only_what_has_no_default() {
    let file = format!("{SOUND}\n{}", RESERVE_TABLE);
    let config = Given { file: &file, ..Given::default() }.load().unwrap();
    let tool = &config.worker.businesses["restaurant"].tools["reserveTable"];
    assert_eq!(tool.timeout, Duration::from_secs(10));
    assert_eq!(tool.parameters["properties"]["guests"]["maximum"], 20);
    let told = told(&format!("{SOUND}\n[business.restaurant.tools.reserveTable]\ntitle = \"Reservation\"\n"));
    assert!(told.contains("business.restaurant.tools.reserveTable.description: required"), "{told}");
    assert!(told.contains("neoron.toml:21:28"), "{told}");
}

/// The README's example.
const RESERVE_TABLE: &str = r#"
[business.restaurant.tools.reserveTable]
description = "Reserve a table. Ask for the date, the time, the number of guests and a name."
kind = "command"            # durable, idempotent; "query" reads
confirm = "none"            # "quote" reads back a price or a slot first
method = "my_app.api.reserve_table"
title = "Reservation"
say = "Your table is reserved. The number is {{ name }}."
say_queued = "I am passing your reservation on; you will see the number here in a moment."

[business.restaurant.tools.reserveTable.parameters]
type = "object"
required = ["start", "guests", "customer_name"]
properties.start = { type = "string", description = "Local date and time, such as 2026-12-24T19:00" }
properties.guests = { type = "integer", minimum = 1, maximum = 20 }
properties.customer_name = { type = "string", minLength = 1, maxLength = 140 }
"#;

#[test]
fn a_profile_that_cannot_work_is_told_with_its_place() {
    let file = format!(
        "{SOUND}\n[business.restaurant.tools.getMenu]\nsay = \"{{{{ items\"\n\
         [business.restaurant.tools.confirmOrder]\nconfirms = \"getMenu\"\n"
    );
    let told = told(&file);
    assert!(told.contains("business.restaurant.tools.getMenu.say: "), "{told}");
    assert!(told.contains("neoron.toml:22:7"), "{told}");
    assert!(told.contains("business.restaurant.tools.confirmOrder.confirms: names no tool that quotes"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_file_holds_its_mistakes_are_told_and_nothing_panics(
        lines in proptest::collection::vec("(\\[?[a-z.é]{1,12}\\]?|[a-z_]{1,8} ?= ?[\"\\[{0-9a-zé}\\] ]{0,12}|\\PC{0,20})", 0..12),
    ) {
        let file = lines.join("\n");
        let problems = Given { file: &file, ..Given::default() }.problems();
        prop_assert!(problems.to_string().contains("nothing was started"));
        prop_assert_eq!(problems.to_json()["errors"].as_array().map(Vec::len), Some(problems.list().len()));
    }

    #[test]
    fn whatever_a_flag_or_a_variable_holds_nothing_panics(name in "[A-Z_]{0,24}", text in "\\PC{0,40}") {
        let (variable, flag) = (format!("NEORON_{name}"), format!("{}={text}", name.to_lowercase().replace('_', ".")));
        let given =
            Given { file: SOUND, environment: &[(variable.as_str(), text.as_str())], flags: &[flag.as_str()] };
        let _ = given.problems().to_string();
    }
}

#[test]
fn a_store_is_in_one_place_and_a_worker_where_gateways_reach_it() {
    let with = |more: &str| told(&format!("{SOUND}\n{more}"));
    let both = with("[store]\nurl = \"redis://10.0.0.1:6379\"\nfile = \"x.db\"\n");
    assert!(both.contains("store.file: is the embedded store's"), "{both}");
    let scheme = with("[store]\nurl = \"http://me:secret@10.0.0.1:6379\"\n");
    assert!(scheme.contains("store.url: must begin with redis:// or redis+cluster://"), "{scheme}");
    assert!(!scheme.contains("secret"), "{scheme}");
    let braces = with("[store]\nprefix = \"{one}\"\n");
    assert!(braces.contains("store.prefix: must have no braces"), "{braces}");
    let everywhere = with("[worker]\nlisten = \"0.0.0.0:7000\"\n");
    assert!(everywhere.contains("set worker.advertise to the one that gateways reach"), "{everywhere}");
    let nowhere = with("[worker]\nlisten = \"0.0.0.0:7000\"\nadvertise = \"0.0.0.0\"\n");
    assert!(nowhere.contains("must be an address that gateways can connect to"), "{nowhere}");
    let several = "[worker]\nlisten = \"127.0.0.1:7000\"\n".to_owned();
    let file = SOUND.replace("[gateway]", "[gateway]\nworkers = 2") + &several;
    assert!(told(&file).contains("has a fixed port, which serves one worker"), "{}", told(&file));
}
