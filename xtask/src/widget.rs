//! Builds the popup into one folder: cargo, the bindings generator as a library, an optional pass of wasm-opt, and the
//! hand-written scripts beside it. It never installs a tool and never needs the network once cargo has its crates.

mod binary;

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use neoron_widget_core::texts::Language;
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "widget";
/// The scripts that are written by hand; shipped without their comments.
const SCRIPTS: [&str; 3] = ["loader.js", "fallback.js", "proof.js"];
/// What browsers since 2023 run. Never `--all-features`: binaryen then writes types that Chromium refuses to compile.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-multivalue",
    "--enable-reference-types",
];

/// Builds the popup and puts all that a site serves into `out`: `loader.js`, `fallback.js`, `proof.js`, `popup.js`,
/// `popup_bg.wasm`, and `texts.<tag>.json` for each
/// language but English. `progress` is told each step.
///
/// # Errors
/// If cargo, the generator or the file system fails. A wasm-opt that is missing or too old for the file is not an
/// error: the file then ships as the generator wrote it, about 2 % larger.
pub(crate) fn build(out: &Path, progress: &dyn Fn(&str)) -> anyhow::Result<()> {
    let root = workspace_root()?;
    progress("popup: compiling to WebAssembly");
    let compiled = compile(&root)?;
    progress("popup: writing the bindings");
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(compiled).out_name("popup").web(true)?.typescript(false).remove_name_section(true);
    bindgen.remove_producers_section(true);
    bindgen.generate(out)?;
    let (glue, wasm) = (out.join("popup.js"), out.join("popup_bg.wasm"));
    optimise(&wasm, progress)?;
    let short = binary::shorten_imports(&fs::read(&wasm)?).context("the popup's file cannot be read")?;
    fs::write(&wasm, short.file)?;
    let script = start_shortly(&slim(&fs::read_to_string(&glue)?)).context("the bindings are of another shape")?;
    fs::write(&glue, rename(script, &short.names))?;
    for script in SCRIPTS {
        let from = root.join("widget-wasm/loader").join(script);
        let text = fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        fs::write(out.join(script), slim(&text))?;
    }
    for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
        let file = out.join(format!("texts.{}.json", language.tag()));
        fs::write(file, serde_json::to_string(language.sentences())?)?;
    }
    progress("popup: done");
    Ok(())
}

fn workspace_root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask lies in the workspace")?.to_path_buf())
}

/// Runs cargo and returns the compiled file, wherever this machine keeps its target directory.
fn compile(root: &Path) -> anyhow::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--package", "neoron-widget", "--target", TARGET, "--profile", PROFILE])
        .args(["--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the popup does not compile");
    }
    String::from_utf8_lossy(&output.stdout).lines().rev().find_map(artifact).context("cargo named no popup file")
}

/// The compiled file that a line of cargo's report names, if it names one.
fn artifact(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let files = message.get("filenames")?.as_array()?;
    files.iter().filter_map(|file| file.as_str()).find(|file| file.ends_with("neoron_widget.wasm")).map(PathBuf::from)
}

/// Drops a script's comments and indentation: a sixth of the loader's gzipped bytes, without a minifier. It works on
/// whole lines only, which is safe because neither the generator nor our own scripts write a text over several lines.
fn slim(glue: &str) -> String {
    let mut slim = String::with_capacity(glue.len());
    let mut in_comment = false;
    for line in glue.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            in_comment = !line.ends_with("*/");
        } else if !line.is_empty() && !line.starts_with("//") {
            slim.push_str(line);
            slim.push('\n');
        }
    }
    slim
}

/// How the popup is fetched and started, once: what the loader needs of the generator's own start, which also takes
/// modules, requests and older forms of its parameters, and is a fifth of the script.
const START: &str = "\
let started;
export default function start({ module_or_path }) {
started ??= (async () => {
const answer = await fetch(module_or_path);
const typed = answer.headers.get('Content-Type') === 'application/wasm';
const made = typed ? WebAssembly.instantiateStreaming(answer, __wbg_get_imports()) :
WebAssembly.instantiate(await answer.arrayBuffer(), __wbg_get_imports());
const { instance, module } = await made;
return __wbg_finalize_init(instance, module);
})();
started.catch(() => { started = undefined; });
return started;
}
";

/// Puts [`START`] in the place of the generator's start; `None` if that is not where it was.
fn start_shortly(glue: &str) -> Option<String> {
    let (before, start) = glue.split_once("async function __wbg_load(")?;
    start.contains("__wbg_finalize_init(instance, module)").then(|| format!("{before}{START}"))
}

/// Gives the script the short names of the imports too. Each long one ends in a hash, so that none is part of another
/// and none is an ordinary word.
fn rename(glue: String, names: &[(String, String)]) -> String {
    names.iter().fold(glue, |glue, (long, short)| glue.replace(long.as_str(), short))
}

/// Lets wasm-opt shrink the file if it is installed; keeps the file as it is otherwise.
fn optimise(wasm: &Path, progress: &dyn Fn(&str)) -> anyhow::Result<()> {
    let smaller = wasm.with_extension("opt");
    let run = Command::new("wasm-opt")
        .args(["-Oz", "--converge"])
        .args(known_features())
        .arg(wasm)
        .arg("-o")
        .arg(&smaller)
        .stderr(Stdio::null())
        .status();
    let kept = match run {
        Err(_) => "no wasm-opt here",
        Ok(status) if !status.success() => "wasm-opt does not take it",
        // Release 108, Debian's, writes the number of another table into the export: the popup then fails at its first
        // object. The file compiles, so that only this comparison finds it.
        Ok(_) if binary::exported_tables(&fs::read(wasm)?) != binary::exported_tables(&fs::read(&smaller)?) => {
            "wasm-opt breaks it"
        }
        Ok(_) => {
            progress("popup: optimised");
            return fs::rename(&smaller, wasm).context("cannot put the optimised file in place");
        }
    };
    progress(&format!("popup: not optimised: {kept}"));
    match fs::remove_file(&smaller) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("cannot remove the attempt"),
        _ => Ok(()),
    }
}

/// Those of [`WASM_FEATURES`] that the installed wasm-opt knows; older releases fail at a name they have never heard.
fn known_features() -> Vec<&'static str> {
    let help = Command::new("wasm-opt").arg("--help").output().map(|output| output.stdout).unwrap_or_default();
    let help = String::from_utf8_lossy(&help).into_owned();
    WASM_FEATURES.into_iter().filter(|feature| help.contains(*feature)).collect()
}

#[cfg(test)]
mod tests {
    use super::{artifact, slim, start_shortly};

    #[test]
    fn the_glue_loses_its_comments_and_indentation_only() {
        let glue = "/**\n * Says.\n */\nexport function f() {\n    // why\n    return 'a // b';\n}\n";
        assert_eq!(slim(glue), "export function f() {\nreturn 'a // b';\n}\n");
    }

    #[test]
    fn the_generators_start_is_replaced_and_nothing_else() {
        let glue =
            "function a() {}\nasync function __wbg_load(x) {}\n__wbg_finalize_init(instance, module);\nexport {};\n";
        let made = start_shortly(glue).unwrap_or_default();
        assert!(made.starts_with("function a() {}\nlet started;") && made.ends_with("return started;\n}\n"), "{made}");
        assert_eq!(start_shortly("function a() {}"), None);
    }

    #[test]
    fn the_compiled_file_is_found_in_cargos_report() {
        let line = r#"{"reason":"compiler-artifact","filenames":["/t/neoron_widget.wasm"]}"#;
        assert_eq!(artifact(line).as_deref(), Some(std::path::Path::new("/t/neoron_widget.wasm")));
        assert_eq!(artifact("warning: not json"), None);
    }
}
