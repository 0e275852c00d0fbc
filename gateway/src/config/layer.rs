//! Layers: built-in defaults, a file, the environment, flags. Each is read into entries that know where they stand.
//!
//! A layer is read to its end whatever is wrong with it, so that all mistakes are told at once. The only file access
//! here is through [`Files`], for secrets that stand in files of their own.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use toml_edit::{Document, TableLike};

use super::{
    path::Path,
    report::{Problem, Problems},
    schema::{self, Key, Place},
    value::{self, Value},
};

/// The variables that are ours have this prefix, and `__` between the names.
const PREFIX: &str = "NEORON_";

/// A text with a name, for positions and excerpts.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, as a person would write it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether it is built in.
    pub built_in: bool,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A place in a file, or in what is built in.
    File {
        /// Which one.
        source: Arc<Source>,
        /// Bytes from and to.
        span: Range<usize>,
    },
    /// A variable.
    Environment {
        /// Its name.
        name: String,
    },
    /// `--set`.
    Flag {
        /// The key as it was written.
        key: String,
    },
    /// What the program itself decided, such as the demo's addresses.
    Program {
        /// Why.
        reason: &'static str,
    },
}

impl Origin {
    /// Line and column, from 1, of a place in a file.
    pub fn position(&self) -> Option<(usize, usize)> {
        let Self::File { source, span } = self else { return None };
        let before = source.text.get(..span.start)?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some((line, column))
    }

    /// Which layer it is.
    pub fn layer(&self) -> &'static str {
        match self {
            Self::File { source, .. } if source.built_in => "default",
            Self::File { .. } => "file",
            Self::Environment { .. } => "environment",
            Self::Flag { .. } => "flag",
            Self::Program { .. } => "program",
        }
    }

    /// For people: `file neoron.toml:12:5`, `environment NEORON_…`, `flag --set …`.
    pub fn shown(&self) -> String {
        match self {
            Self::File { source, .. } => {
                let position = self.position().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
                format!("{} {}{position}", self.layer(), source.name)
            }
            Self::Environment { name } => format!("environment {name}"),
            Self::Flag { key } => format!("flag --set {key}"),
            Self::Program { reason } => (*reason).to_owned(),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// Where it was given.
    pub origin: Origin,
    /// The file that a secret was read from.
    pub file: Option<String>,
}

/// Reads small files.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    /// Why it cannot be read, for people.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// What a layer sets.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) settings: BTreeMap<Path, Setting>,
    /// Named tables that are there, such as `sites.neoron`, also if they are empty.
    pub(super) tables: BTreeMap<Path, Origin>,
}

/// Reads layers and collects what is wrong with them.
pub(super) struct Reader<'a> {
    files: &'a dyn Files,
    pub(super) problems: Problems,
}

impl<'a> Reader<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self { files, problems: Problems::default() }
    }

    /// Reads a file's text.
    pub(super) fn file(&mut self, source: &Arc<Source>) -> Layer {
        let mut layer = Layer::default();
        match Document::parse(source.text.as_str()) {
            Ok(document) => self.table(&mut layer, source, &Path::default(), document.as_table()),
            Err(error) => {
                let origin = Origin::File { source: source.clone(), span: error.span().unwrap_or_default() };
                let said = error.message().lines().collect::<Vec<_>>().join("; ");
                self.problems.add(Problem::new("syntax", None, said).at(origin));
            }
        }
        layer
    }

    fn table(&mut self, layer: &mut Layer, source: &Arc<Source>, at: &Path, table: &dyn TableLike) {
        for (name, item) in table.iter() {
            let path = at.child(name);
            let key_span = table.key(name).and_then(toml_edit::Key::span);
            let of = |span: Option<Range<usize>>| Origin::File {
                source: source.clone(),
                span: span.or_else(|| key_span.clone()).or_else(|| item.span()).unwrap_or_default(),
            };
            match schema::place(&path) {
                Place::Key(key) => {
                    let value = value::from_item(key, item);
                    self.put(layer, path, value, of(item.span()), None);
                }
                Place::KeyFile(key) => {
                    let file = item.as_str().ok_or_else(|| "expected a path".to_owned());
                    self.put_file(layer, key, &path, file, of(item.span()));
                }
                Place::Table => match item.as_table_like() {
                    Some(inner) => {
                        layer.tables.insert(path.clone(), of(None));
                        self.table(layer, source, &path, inner);
                    }
                    None => {
                        let said = format!("expected a table, found {}", item.type_name());
                        self.problems.add(Problem::new("type", Some(path), said).at(of(item.span())));
                    }
                },
                Place::Unknown => self.unknown(path, of(None)),
            }
        }
    }

    /// Reads the variables. Those without `__` are not ours: Kubernetes makes some of that kind for every service.
    pub(super) fn environment(&mut self, variables: &BTreeMap<String, String>, known: &[Path]) -> Layer {
        let mut layer = Layer::default();
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__")) else { continue };
            let path = spelled(&Path::of(rest.split("__").map(str::to_lowercase)), known);
            self.text(&mut layer, path, text, Origin::Environment { name: name.clone() });
        }
        layer
    }

    /// Reads `key=value` flags; a later one wins.
    pub(super) fn flags(&mut self, flags: &[String]) -> Layer {
        let mut layer = Layer::default();
        for flag in flags {
            let (key, text) = flag.split_once('=').unwrap_or((flag, ""));
            let origin = Origin::Flag { key: key.trim().to_owned() };
            match Path::parse(key.trim()).filter(|_| flag.contains('=')) {
                Some(path) => {
                    layer.settings.remove(&path);
                    self.text(&mut layer, path, text.trim(), origin);
                }
                None => {
                    let said = "expected section.key=value".to_owned();
                    self.problems.add(Problem::new("syntax", None, said).at(origin));
                }
            }
        }
        layer
    }

    fn text(&mut self, layer: &mut Layer, path: Path, text: &str, origin: Origin) {
        match schema::place(&path) {
            Place::Key(key) => self.put(layer, path, value::from_text(key, text), origin, None),
            Place::KeyFile(key) => self.put_file(layer, key, &path, Ok(text), origin),
            Place::Table => {
                let said = "this is a table: name a key in it".to_owned();
                self.problems.add(Problem::new("type", Some(path), said).at(origin));
            }
            Place::Unknown => self.unknown(path, origin),
        }
    }

    fn put_file(
        &mut self,
        layer: &mut Layer,
        key: &'static Key,
        path: &Path,
        file: Result<&str, String>,
        origin: Origin,
    ) {
        let name_of_file = file.as_ref().ok().map(|file| (*file).to_owned());
        let read = file.and_then(|file| {
            let text = self.files.read(file).map_err(|error| format!("cannot read {file:?}: {error}"))?;
            value::from_file(key, &text).map_err(|error| format!("the text of {file:?}: {error}"))
        });
        let name = path.last().and_then(|name| name.strip_suffix("_file")).unwrap_or_default();
        let target = path.parent().child(name);
        self.put(layer, target, read, origin, name_of_file);
    }

    fn put(
        &mut self,
        layer: &mut Layer,
        path: Path,
        value: Result<Value, String>,
        origin: Origin,
        file: Option<String>,
    ) {
        match value {
            Err(said) => self.problems.add(Problem::new("value", Some(path), said).at(origin)),
            Ok(_) if layer.settings.contains_key(&path) => {
                let said = "given twice: as itself and as a file".to_owned();
                self.problems.add(Problem::new("conflict", Some(path), said).at(origin));
            }
            Ok(value) => {
                layer.settings.insert(path, Setting { value, origin, file });
            }
        }
    }

    fn unknown(&mut self, path: Path, origin: Origin) {
        let meant = schema::suggestion(&path);
        let said = "there is no such key".to_owned();
        self.problems.add(Problem::new("unknown_key", Some(path), said).at(origin).meant(meant));
    }
}

/// A variable's path with the names as they are spelled in the layers below: variables know no lower case.
fn spelled(path: &Path, known: &[Path]) -> Path {
    let mut parts: Vec<String> = Vec::new();
    for (index, part) in path.parts().iter().enumerate() {
        let same = |other: &&Path| {
            other.parts().get(..index) == Some(&parts[..])
                && other.parts().get(index).is_some_and(|name| loose(name) == loose(part))
        };
        let name = known.iter().find(same).and_then(|other| other.parts().get(index)).unwrap_or(part);
        parts.push(name.clone());
    }
    Path::of(parts)
}

/// Names compared without case; a variable cannot hold a hyphen either.
fn loose(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}
