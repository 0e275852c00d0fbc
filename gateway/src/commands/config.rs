//! `neoron check` and `neoron config …`.

use serde_json::json;

use crate::{
    Failure,
    cli::{ConfigArgs, ConfigCommand, Format},
    config::{self, Sources, defaults, show},
    out,
};

/// `neoron check`.
pub(super) fn check(sources: &Sources, format: Format) -> Result<(), Failure> {
    match (config::load(sources), format) {
        (Ok(_), Format::Json) => out::line(json!({"ok": true, "errors": []}).to_string()),
        (Ok(config), Format::Text) => {
            let sites = config.keys.ids().count();
            let businesses = config.worker.businesses.len();
            out::line(format!("The configuration is sound: {sites} site(s), {businesses} business profile(s)."));
        }
        (Err(problems), Format::Json) => {
            out::line(problems.to_json().to_string());
            return Err(Failure::Told);
        }
        (Err(problems), Format::Text) => return Err(problems.into()),
    }
    Ok(())
}

/// `neoron config …`.
pub(super) fn config(command: ConfigCommand, sources: impl Fn(ConfigArgs) -> Sources) -> Result<(), Failure> {
    match command {
        ConfigCommand::Default { business: None } => out::text(defaults::DEFAULT),
        ConfigCommand::Default { business: Some(name) } => {
            let found = defaults::BUSINESSES.iter().find(|(known, _)| *known == name);
            let Some((_, text)) = found else {
                let known = defaults::BUSINESSES.map(|(known, _)| known).join(", ");
                return Err(anyhow::anyhow!("there is no built-in profile {name:?}; there are {known}").into());
            };
            out::text(text);
        }
        ConfigCommand::Explain { key } => explain(&key)?,
        ConfigCommand::Show { under, config, format } => {
            let (mut settings, problems) = config::read(&sources(config));
            settings.complete();
            match format {
                Format::Text => out::text(show::effective(&settings, under.as_deref())),
                Format::Json => out::line(show::effective_json(&settings, under.as_deref()).to_string()),
            }
            if !problems.is_empty() {
                return Err(problems.into());
            }
        }
    }
    Ok(())
}

fn explain(key: &str) -> Result<(), Failure> {
    if let Some(text) = show::explain(key) {
        out::text(text);
        return Ok(());
    }
    let near = show::near(key);
    match near.as_slice() {
        [] => Err(anyhow::anyhow!("there is no key {key:?}; `neoron config default` prints all of them").into()),
        [only] if !only.starts_with(&format!("{key}.")) => {
            Err(anyhow::anyhow!("there is no key {key:?}; did you mean {only}?").into())
        }
        keys => {
            for path in keys {
                let doc = defaults::key_of(&path.replace("NAME", "*")).and_then(|it| defaults::docs().get(it.path));
                let first = doc.and_then(|doc| doc.text.split(['.', ';', ',']).next()).unwrap_or_default();
                out::line(format!("{path:<48} {first}"));
            }
            Ok(())
        }
    }
}
