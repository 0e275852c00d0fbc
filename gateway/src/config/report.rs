//! What is wrong with a configuration: all of it, with layer, line, column, an excerpt and what was probably meant.
//!
//! A report never holds the value of a secret: an excerpt of a line that sets one shows the key only.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::{
    layer::Origin,
    path::Path,
    schema::{self, Place},
};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A stable word: `syntax`, `unknown_key`, `type`, `value`, `missing`, `conflict`.
    pub code: &'static str,
    /// Which key.
    pub key: Option<Path>,
    /// What is wrong.
    pub message: String,
    /// Where; `None` if something is missing.
    pub origin: Option<Origin>,
    /// What was probably meant.
    pub meant: Option<String>,
}

impl Problem {
    pub(super) fn new(code: &'static str, key: Option<Path>, message: String) -> Self {
        Self { code, key, message, origin: None, meant: None }
    }

    pub(super) fn at(self, origin: impl Into<Option<Origin>>) -> Self {
        Self { origin: origin.into(), ..self }
    }

    pub(super) fn meant(self, meant: Option<String>) -> Self {
        Self { meant, ..self }
    }

    fn to_json(&self) -> Value {
        let position = self.origin.as_ref().and_then(Origin::position);
        json!({
            "code": self.code,
            "key": self.key.as_ref().map(Path::to_string),
            "message": self.message,
            "layer": self.origin.as_ref().map(Origin::layer),
            "source": self.origin.as_ref().map(Origin::shown),
            "line": position.map(|(line, _)| line),
            "column": position.map(|(_, column)| column),
            "did_you_mean": self.meant,
        })
    }

    /// The line it stands on, with a mark under it.
    fn excerpt(&self) -> Option<String> {
        let origin = self.origin.as_ref()?;
        let Origin::File { source, span } = origin else { return None };
        let (line, column) = origin.position()?;
        let whole = source.text.lines().nth(line - 1)?;
        let shown = self.presentable(whole);
        let number = line.to_string();
        let room = " ".repeat(number.len());
        let mut excerpt = format!("{room} |\n{number} | {shown}\n");
        let until_end = shown.chars().count().saturating_sub(column - 1);
        if until_end > 0 || shown == whole {
            let marked = source.text.get(span.clone()).and_then(|it| it.lines().next()).unwrap_or_default();
            let mark = "^".repeat(marked.chars().count().clamp(1, until_end.max(1)));
            let space: String = whole.chars().take(column - 1).map(|it| if it == '\t' { '\t' } else { ' ' }).collect();
            excerpt.push_str(&format!("{room} | {space}{mark}\n"));
        }
        Some(excerpt)
    }

    /// A line without what may be secret in it.
    fn presentable(&self, line: &str) -> String {
        let place = self.key.as_ref().map(schema::place);
        let secret_key = matches!(place, Some(Place::Key(key)) if key.secret);
        // A value under an unknown key may be a secret whose name is mistyped.
        let unknown = matches!(place, Some(Place::Unknown));
        match line.split_once('=') {
            Some((key, _)) if secret_key || unknown || sets_secret(line) => {
                format!("{}= …", key.trim_end().to_owned() + " ")
            }
            None if (secret_key || place.is_none()) && !line.trim_start().starts_with('[') => "…".to_owned(),
            _ => line.to_owned(),
        }
    }
}

/// Whether a line sets a secret, also within an inline table.
fn sets_secret(line: &str) -> bool {
    let mut before: Vec<&str> = line.split('=').collect();
    before.pop();
    let word = |text: &str| {
        let text = text.trim_end_matches([' ', '\t', '"', '\'']).to_owned();
        text.rsplit(|it: char| !it.is_ascii_alphanumeric() && it != '_').next().unwrap_or_default().to_owned()
    };
    before.iter().any(|text| schema::KEYS.iter().any(|key| key.secret && key.name() == word(text)))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error: ")?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(meant) = &self.meant {
            write!(f, "; did you mean `{meant}`?")?;
        }
        f.write_char('\n')?;
        if let Some(origin) = &self.origin {
            writeln!(f, "  --> {}", origin.shown())?;
        }
        if let Some(excerpt) = self.excerpt() {
            f.write_str(&excerpt)?;
        }
        Ok(())
    }
}

/// All mistakes of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// More than these are not shown: who has that many has mistaken the file.
    const MAX: usize = 200;

    pub(super) fn add(&mut self, problem: Problem) {
        if self.0.len() < Self::MAX {
            self.0.push(problem);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order of their layers.
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// Whether something is wrong with this key, or within it.
    pub(super) fn concern(&self, path: &Path) -> bool {
        let names: Vec<&str> = path.parts().iter().map(String::as_str).collect();
        self.0.iter().any(|problem| problem.key.as_ref().is_some_and(|key| key.is_under(&names)))
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({"ok": self.is_empty(), "errors": self.0.iter().map(Problem::to_json).collect::<Vec<_>>()})
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} error{plural} in the configuration; nothing was started.", self.0.len())
    }
}

impl std::error::Error for Problems {}
