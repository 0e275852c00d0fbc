//! The demo from outside.

use crate::support::{Folder, neoron};

#[test]
fn the_scripted_visitor_gets_exactly_one_order() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["demo", "--check"]).ended(0);
    for step in ["grant from the site", "amended quote heard", "exactly one order", "Voice Session completed"] {
        assert!(ran.out.lines().any(|line| line.starts_with('✓') && line.contains(step)), "{step}\n{}", ran.out);
    }
}

#[test]
fn without_the_popups_files_it_says_how_to_build_them() {
    let folder = Folder::new();
    let ran = neoron(folder.path(), &["demo", "--widget-dir", "nowhere"]).ended(1);
    assert!(ran.err.contains("cargo xtask demo"), "{}", ran.err);
}
