//! `default.toml` and the schema say the same, and what is printed is usable.

use std::collections::BTreeSet;

use neoron_gateway::config::{
    defaults, schema,
    schema::{KEYS, Need},
    show,
};

use crate::support::{Given, SOUND};

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let documented: BTreeSet<&str> = defaults::docs().keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.path).collect();
    assert_eq!(documented, known);
    for (path, doc) in defaults::docs() {
        assert!(doc.text.len() >= 20 && doc.text.ends_with('.'), "{path}: {:?}", doc.text);
    }
}

#[test]
fn required_keys_and_keys_without_a_default_are_commented_out() {
    for key in KEYS.iter().filter(|key| !key.path.contains('*')) {
        let doc = &defaults::docs()[key.path];
        assert_eq!(doc.commented, key.need != Need::Default, "{}", key.path);
    }
}

#[test]
fn the_defaults_are_a_configuration_that_lacks_only_what_is_required() {
    let problems = Given { file: defaults::DEFAULT, ..Given::default() }.problems();
    assert!(!problems.is_empty());
    assert!(problems.list().iter().all(|problem| problem.code == "missing"), "{problems}");
}

#[test]
fn the_defaults_with_every_comment_sign_taken_away_hold_no_unknown_key() {
    let opened: Vec<&str> = defaults::DEFAULT
        .lines()
        .map(|line| if line.starts_with("# ") { line } else { line.trim_start_matches('#') })
        .collect();
    let problems = Given { file: &opened.join("\n"), ..Given::default() }.problems();
    assert!(problems.list().iter().all(|problem| problem.code != "unknown_key"), "{problems}");
    assert!(problems.list().iter().all(|problem| problem.code != "syntax"), "{problems}");
}

#[test]
fn every_secret_says_so_and_every_required_key_too() {
    for key in KEYS {
        let text = &defaults::docs()[key.path].text;
        assert_eq!(text.contains("secret"), key.secret || key.path.ends_with("_secrets"), "{}: {text}", key.path);
        assert_eq!(text.contains("Required"), key.need == Need::Required, "{}: {text}", key.path);
    }
}

#[test]
fn every_key_can_be_explained_by_its_own_name_and_by_a_real_one() {
    for key in KEYS {
        let named = key.path.replace('*', "NAME");
        let text = show::explain(&named).unwrap();
        assert!(text.starts_with(&named), "{text}");
        assert!(text.contains("default") && text.contains("NEORON_"), "{text}");
    }
    assert!(show::explain("business.restaurant.prompt").unwrap().contains("instructions"));
    assert_eq!(show::explain("business.restaurant.promt"), None);
    assert_eq!(show::near("erpnext.concurency"), ["erpnext.concurrency"]);
}

#[test]
fn a_suggestion_is_never_far_fetched() {
    let path = neoron_gateway::config::Path::parse("gateway.zzzzzz").unwrap();
    assert_eq!(schema::suggestion(&path), None);
    assert!(Given { file: SOUND, ..Given::default() }.load().is_ok());
}
