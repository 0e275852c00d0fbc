//! What `neoron config explain` and `neoron config show` print. Secrets are redacted. Pure.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value as Json, json};

use super::{
    Settings, defaults,
    path::Path,
    schema::{self, Key, Need},
    value,
};

/// Explains a key; `None` if there is no such one.
pub fn explain(asked: &str) -> Option<String> {
    let key = defaults::key_of(asked)?;
    let doc = defaults::docs().get(key.path)?;
    let need = match key.need {
        Need::Required => format!("required, such as {}", doc.value),
        Need::Optional => format!("none; for example {}", doc.value),
        Need::Default => doc.value.clone(),
    };
    let path = key.path.replace('*', "NAME");
    let variable = path.replace('.', "__").to_uppercase().replace("__NAME", "__<NAME>");
    let mut text = format!("{path}\n\n  {}\n\n  takes        {}\n", doc.text, value::expected(key.kind));
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  default      {need}");
    let _ = writeln!(text, "  environment  NEORON_{variable}");
    let _ = writeln!(text, "  flag         --set {path}=…");
    if key.secret {
        let _ = writeln!(text, "  secret       never printed; may be given as {path}_file = \"path\"");
    }
    Some(text)
}

/// The keys that begin with what was asked, or the one that was probably meant.
pub fn near(asked: &str) -> Vec<String> {
    let under: Vec<String> = schema::KEYS
        .iter()
        .map(|key| key.path.replace('*', "NAME"))
        .filter(|path| path.starts_with(&format!("{}.", asked.replace('*', "NAME"))))
        .collect();
    if !under.is_empty() {
        return under;
    }
    let meant = Path::parse(asked).and_then(|path| {
        let known = schema::suggestion(&path)?;
        Some(if known.contains('.') { known } else { path.parent().child(&known).to_string() })
    });
    meant.into_iter().collect()
}

fn shown(key: Option<&Key>, setting: &super::Setting) -> String {
    if key.is_some_and(|key| key.secret) { "[secret]".to_owned() } else { setting.value.shown() }
}

fn provenance(setting: &super::Setting) -> String {
    match &setting.file {
        Some(file) => format!("{}, from {file}", setting.origin.shown()),
        None => setting.origin.shown(),
    }
}

/// What is in force, one key a line with where it comes from; only the keys under `prefix` if there is one.
pub fn effective(settings: &Settings, prefix: Option<&str>) -> String {
    let mut text = String::new();
    for (path, setting) in chosen(settings, prefix) {
        let value = shown(schema::find(path), setting);
        let value = match value.char_indices().nth(100) {
            Some((at, _)) => format!("{}… ({} characters)", &value[..at], value.chars().count()),
            None => value,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{path} = {value}  # {}", provenance(setting));
    }
    text
}

/// The same for programs.
pub fn effective_json(settings: &Settings, prefix: Option<&str>) -> Json {
    let keys: BTreeMap<String, Json> = chosen(settings, prefix)
        .map(|(path, setting)| {
            let value = shown(schema::find(path), setting);
            (path.to_string(), json!({"value": value, "layer": setting.origin.layer(), "source": provenance(setting)}))
        })
        .collect();
    json!(keys)
}

fn chosen<'a>(settings: &'a Settings, prefix: Option<&str>) -> impl Iterator<Item = (&'a Path, &'a super::Setting)> {
    let prefix = prefix.and_then(Path::parse).unwrap_or_default();
    settings.iter().filter(move |(path, _)| {
        let names: Vec<&str> = prefix.parts().iter().map(String::as_str).collect();
        path.is_under(&names)
    })
}
