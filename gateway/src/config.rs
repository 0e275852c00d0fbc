//! The configuration: documented defaults, then a file, then the environment, then flags.
//!
//! [`load`] reads all layers, checks every value of every layer, then what only fits together, and returns either
//! settings that can be run or every mistake at once. It never prints and never shows a secret.

mod build;
mod cross;
pub mod defaults;
mod effective;
mod layer;
mod path;
mod report;
pub mod schema;
pub mod show;
pub mod value;

use std::{
    collections::BTreeMap,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use self::layer::{Layer, Reader};
pub use build::Config;
pub use effective::Settings;
pub use layer::{Files, Origin, Setting, Source};
pub use path::Path;
pub use report::{Problem, Problems};

use crate::store::Place;

/// The file that is read if none is named and it is there, after `./neoron.toml`.
const SYSTEM_FILE: &str = "/etc/neoron/neoron.toml";
/// The file in the working directory.
const LOCAL_FILE: &str = "neoron.toml";
/// Names the file.
const FILE_VARIABLE: &str = "NEORON_CONFIG";
/// The largest file read, in bytes; a configuration with many prompts has some 100 kB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What a configuration is made from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file to read; without it the usual places are looked at.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
    /// `key=value`, in the order given.
    pub flags: Vec<String>,
    /// What the program itself sets, between the defaults and the file: a TOML text, and its name.
    pub program: Option<(&'static str, String)>,
    /// Whether files and the environment are left out: the demo runs the same everywhere.
    pub isolated: bool,
}

/// Reads the configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let (settings, problems) = read(sources);
    cross::check(settings, problems).and_then(|settings| Config::of(&settings))
}

/// Reads the configuration as far as it can be read: what is set, and what is wrong with it.
pub fn read(sources: &Sources) -> (Settings, Problems) {
    let file = if sources.isolated { Ok(None) } else { find_file(sources) };
    let folder = file.as_ref().ok().and_then(Option::as_ref).and_then(|source| FilePath::new(&source.name).parent());
    let files = Disk { base: folder.map(FilePath::to_path_buf).unwrap_or_default() };
    let mut reader = Reader::new(&files);
    let mut settings = Settings::default();
    for source in built_in() {
        settings.put(reader.file(&source));
    }
    if let Some((name, text)) = &sources.program {
        let source = Source { name: (*name).to_owned(), text: text.clone(), built_in: true };
        settings.put(reader.file(&Arc::new(source)));
    }
    match &file {
        Ok(Some(source)) => settings.put(reader.file(source)),
        Ok(None) => {}
        Err(said) => reader.problems.add(Problem::new("file", None, said.clone())),
    }
    if !sources.isolated {
        let known: Vec<Path> = settings.paths().cloned().collect();
        settings.put(reader.environment(&sources.environment, &known));
    }
    settings.put(reader.flags(&sources.flags));
    (settings, reader.problems)
}

/// The built-in layers.
fn built_in() -> Vec<Arc<Source>> {
    let source = |name: String, text: &str| Arc::new(Source { name, text: text.to_owned(), built_in: true });
    let businesses = defaults::BUSINESSES.iter().map(|(name, text)| source(format!("business/{name}.toml"), text));
    [source("default.toml".to_owned(), defaults::DEFAULT)].into_iter().chain(businesses).collect()
}

/// The file's text. A file that is named must be there; the usual places may be empty.
fn find_file(sources: &Sources) -> Result<Option<Arc<Source>>, String> {
    let named = sources.file.clone().or_else(|| sources.environment.get(FILE_VARIABLE).map(PathBuf::from));
    let found = match named {
        Some(path) => Some(path),
        None => [LOCAL_FILE, SYSTEM_FILE].iter().map(PathBuf::from).find(|path| path.exists()),
    };
    let Some(path) = found else { return Ok(None) };
    let text = read_small(&path).map_err(|error| format!("cannot read the file {}: {error}", path.display()))?;
    Ok(Some(Arc::new(Source { name: path.display().to_string(), text, built_in: false })))
}

fn read_small(path: &FilePath) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > MAX_FILE_BYTES {
        return Err(format!("it is larger than {} MiB", MAX_FILE_BYTES / 1024 / 1024));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// The files of secrets: relative names count from the configuration file's folder.
struct Disk {
    base: PathBuf,
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        read_small(&self.base.join(path))
    }
}

/// Where the store is, though the rest of the configuration may be missing: looking at the jobs takes none of it.
///
/// # Errors
/// What is wrong with the files and flags themselves.
pub(crate) fn store(sources: &Sources) -> Result<Place, Problems> {
    let (settings, problems) = read(sources);
    if problems.is_empty() { Ok(build::store(&settings)) } else { Err(problems) }
}
