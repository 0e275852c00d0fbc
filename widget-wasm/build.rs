//! Shrinks the style sheet before it is compiled in: comments, indentation and line ends. It parses no CSS.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println_rerun("src/style.css");
    let sheet = fs::read_to_string("src/style.css")?;
    let target = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&target).join("style.css"), shrink(&sheet))?;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn println_rerun(path: &str) {
    println!("cargo::rerun-if-changed={path}");
}

fn shrink(sheet: &str) -> String {
    let mut rest = sheet;
    let mut bare = String::with_capacity(sheet.len());
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let joined: String = bare.lines().map(str::trim).collect();
    let tight = [(": ", ":"), (" {", "{"), ("{ ", "{"), (", ", ","), ("; ", ";"), (" }", "}"), (";}", "}")];
    tight.into_iter().fold(joined, |sheet, (wide, narrow)| sheet.replace(wide, narrow))
}
