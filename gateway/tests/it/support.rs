//! A folder of its own, a sound configuration to spoil, and the built binary with nothing of our environment.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use neoron_gateway::config::{self, Config, Problems, Sources};
use tempfile::TempDir;

/// A text in every secret of [`SOUND`]: it must be seen nowhere.
pub(crate) const CANARY: &str = "canary-canary-canary";

/// A configuration without mistakes.
pub(crate) const SOUND: &str = r#"[gateway]
public_url = "https://voice.example.com"

[ultravox]
api_key = "canary-canary-canary-api"
webhook_secrets = ["canary-canary-canary-webhook"]
shared_secrets = ["canary-canary-canary-shared"]

[erpnext]
url = "https://erp.example.com"
site = "erp.example.com"
token = "key:canary-canary-canary"
webhook_secrets = ["canary-canary-canary-status"]

[sites.pizzeria]
origins = ["https://pizzeria.example"]

[sites.pizzeria.keys]
k1 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"#;

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Where a configuration comes from in a test.
#[derive(Default)]
pub(crate) struct Given<'a> {
    pub(crate) file: &'a str,
    pub(crate) environment: &'a [(&'a str, &'a str)],
    pub(crate) flags: &'a [&'a str],
}

impl Given<'_> {
    pub(crate) fn load(&self) -> Result<Config, Problems> {
        let folder = Folder::new();
        config::load(&self.sources(&folder))
    }

    pub(crate) fn problems(&self) -> Problems {
        self.load().err().unwrap_or_default()
    }

    pub(crate) fn sources(&self, folder: &Folder) -> Sources {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sources {
            file: Some(folder.write("neoron.toml", self.file)),
            environment: self.environment.iter().map(owned).collect::<BTreeMap<_, _>>(),
            flags: self.flags.iter().map(|flag| (*flag).to_owned()).collect(),
            ..Sources::default()
        }
    }
}

/// Runs the binary with nothing but these arguments, in this folder.
pub(crate) fn neoron(folder: &Path, arguments: &[&str]) -> Ran {
    with_input(folder, arguments, "")
}

/// The same, with something on standard input.
pub(crate) fn with_input(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_neoron"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::of(child.wait_with_output().unwrap())
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit code, and shows everything if it is another one.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}
