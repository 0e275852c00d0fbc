//! What is in force: the layers laid over each other, later over earlier, and typed access to it. Pure.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Layer, defaults,
    layer::{Origin, Setting},
    path::Path,
    schema::{self, Need},
    value::Value,
};

/// All settings, by path.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    settings: BTreeMap<Path, Setting>,
    tables: BTreeMap<Path, Origin>,
}

impl Settings {
    /// Lays a layer over what is there.
    pub(super) fn put(&mut self, layer: Layer) {
        self.settings.extend(layer.settings);
        self.tables.extend(layer.tables);
    }

    /// All paths that are set.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.settings.keys()
    }

    /// All settings, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &Setting)> {
        self.settings.iter()
    }

    /// A setting.
    pub fn get(&self, path: &Path) -> Option<&Setting> {
        self.settings.get(path)
    }

    /// Where a setting, or else the table around it, stands.
    pub(super) fn origin(&self, path: &Path) -> Option<&Origin> {
        let setting = self.settings.get(path).map(|setting| &setting.origin);
        setting.or_else(|| self.tables.get(path)).or_else(|| {
            let parent = path.parent();
            if parent.is_empty() { None } else { self.origin(&parent) }
        })
    }

    /// The names of the tables of one's own under a path: sites, profiles, tools.
    pub(super) fn names(&self, under: &Path) -> Vec<String> {
        let names: Vec<&str> = under.parts().iter().map(String::as_str).collect();
        let below = self.settings.keys().chain(self.tables.keys()).filter(|path| path.is_under(&names));
        let mut found: Vec<String> = below.filter_map(|path| path.parts().get(names.len()).cloned()).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Takes a whole table away, such as a profile that is switched off.
    pub(super) fn remove(&mut self, under: &Path) {
        let names: Vec<&str> = under.parts().iter().map(String::as_str).collect();
        self.settings.retain(|path, _| !path.is_under(&names));
        self.tables.retain(|path, _| !path.is_under(&names));
    }

    /// Sets what a table of one's own leaves out to its default, and names what is required and missing.
    pub fn complete(&mut self) -> Vec<Path> {
        let mut missing = Vec::new();
        for key in schema::KEYS {
            for path in self.spellings(key) {
                if self.settings.contains_key(&path) {
                    continue;
                }
                match key.need {
                    Need::Required => missing.push(path),
                    Need::Optional => {}
                    Need::Default => {
                        if let Some(value) = defaults::of_named_table(key) {
                            let origin = Origin::Program { reason: "default" };
                            self.settings.insert(path, Setting { value, origin, file: None });
                        }
                    }
                }
            }
        }
        missing
    }

    /// A key's path in each of the tables that are there.
    fn spellings(&self, key: &schema::Key) -> Vec<Path> {
        let parts: Vec<&str> = key.path.split('.').collect();
        let mut paths = vec![Path::default()];
        for (index, part) in parts.iter().enumerate() {
            // The last part is the key itself: a `*` there names what is already set.
            let names = |path: &Path| match *part {
                "*" if index + 1 == parts.len() => Vec::new(),
                "*" => self.names(path),
                name => vec![name.to_owned()],
            };
            paths = paths.iter().flat_map(|path| names(path).into_iter().map(|name| path.child(&name))).collect();
        }
        paths
    }

    /// A text; empty if it is not set.
    pub(super) fn text(&self, path: &Path) -> String {
        self.maybe_text(path).unwrap_or_default()
    }

    /// A text, if it is set.
    pub(super) fn maybe_text(&self, path: &Path) -> Option<String> {
        match &self.settings.get(path)?.value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// A number; zero if it is not set.
    pub(super) fn number(&self, path: &Path) -> u64 {
        match self.settings.get(path).map(|setting| &setting.value) {
            Some(Value::Integer(number)) => u64::try_from(*number).unwrap_or_default(),
            _ => 0,
        }
    }

    /// A number that fits its type: the schema's bounds see to that.
    pub(super) fn small(&self, path: &Path) -> u32 {
        u32::try_from(self.number(path)).unwrap_or(u32::MAX)
    }

    /// The same as a count of things in memory.
    pub(super) fn count(&self, path: &Path) -> usize {
        usize::try_from(self.number(path)).unwrap_or(usize::MAX)
    }

    /// A truth; `false` if it is not set.
    pub(super) fn is(&self, path: &Path) -> bool {
        matches!(self.settings.get(path).map(|setting| &setting.value), Some(Value::Bool(true)))
    }

    /// A time span; none at all if it is not set.
    pub(super) fn span(&self, path: &Path) -> Duration {
        match self.settings.get(path).map(|setting| &setting.value) {
            Some(Value::Span(span)) => *span,
            _ => Duration::ZERO,
        }
    }

    /// Texts; none if it is not set.
    pub(super) fn list(&self, path: &Path) -> Vec<String> {
        match self.settings.get(path).map(|setting| &setting.value) {
            Some(Value::List(list)) => list.clone(),
            _ => Vec::new(),
        }
    }

    /// Texts by name; none if it is not set.
    pub(super) fn texts(&self, path: &Path) -> BTreeMap<String, String> {
        match self.settings.get(path).map(|setting| &setting.value) {
            Some(Value::Texts(texts)) => texts.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// A table as JSON; `null` if it is not set.
    pub(super) fn json(&self, path: &Path) -> serde_json::Value {
        match self.settings.get(path).map(|setting| &setting.value) {
            Some(Value::Json(value)) => value.clone(),
            _ => serde_json::Value::Null,
        }
    }
}
