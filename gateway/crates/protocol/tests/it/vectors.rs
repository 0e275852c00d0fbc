//! Golden files: compared with what the code makes; `NEORON_BLESS=1` writes them anew.

use std::{fs, path::PathBuf};

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

pub(crate) fn read(name: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path(name)).unwrap()).unwrap()
}

pub(crate) fn assert_golden(name: &str, made: &serde_json::Value) {
    let text = serde_json::to_string_pretty(made).unwrap() + "\n";
    if std::env::var_os("NEORON_BLESS").is_some() {
        fs::write(path(name), &text).unwrap();
    }
    let kept = fs::read_to_string(path(name)).unwrap();
    assert!(kept == text, "vectors/{name} differs from what the code makes; NEORON_BLESS=1 writes it anew");
}
