//! Reading the folder, once, at the start. Bounded; links are not followed; a file whose kind is not known is left out.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{File, Files};

/// All files together.
const BYTES_AT_MOST: u64 = 16 * 1024 * 1024;
const FILES_AT_MOST: usize = 1_024;
const DEPTH_AT_MOST: usize = 8;
/// Hexadecimal digits in a row that make a name a hash.
const HASH_DIGITS: usize = 8;

/// Kinds of files that are served.
const KINDS: [(&str, &str); 10] = [
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("svg", "image/svg+xml"),
    ("html", "text/html; charset=utf-8"),
    ("woff2", "font/woff2"),
    ("png", "image/png"),
];

/// A folder that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Too much for memory.
    #[error("the folder holds more than 16 MiB, 1,024 files or 8 levels")]
    TooMuch,
}

impl Files {
    /// Reads a folder and all below it.
    pub(crate) fn load(folder: &Path) -> Result<Self, LoadError> {
        let mut found = Found::default();
        found.walk(folder, "", 0)?;
        Ok(found.into_files())
    }
}

#[derive(Default)]
struct Found {
    bytes: u64,
    contents: HashMap<String, Bytes>,
}

impl Found {
    fn walk(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), LoadError> {
        if depth > DEPTH_AT_MOST {
            return Err(LoadError::TooMuch);
        }
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LoadError::Read { path, source }
        };
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(failed(&path))?;
            // A name that is no plain text cannot be asked for.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = format!("{prefix}{name}");
            if kind.is_dir() {
                self.walk(&path, &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() {
                let size = entry.metadata().map_err(failed(&path))?.len();
                self.bytes = self.bytes.saturating_add(size);
                if self.bytes > BYTES_AT_MOST || self.contents.len() >= FILES_AT_MOST {
                    return Err(LoadError::TooMuch);
                }
                self.contents.insert(name, Bytes::from(fs::read(&path).map_err(failed(&path))?));
            }
        }
        Ok(())
    }

    fn into_files(self) -> Files {
        let sibling = |name: &str, ending: &str| self.contents.get(&format!("{name}.{ending}")).cloned();
        let file = |(name, plain): (&String, &Bytes)| {
            let ending = name.rsplit_once('.').map(|(_, ending)| ending)?;
            let (_, media_type) = KINDS.iter().find(|(kind, _)| *kind == ending)?;
            let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(plain));
            let file = File {
                plain: plain.clone(),
                brotli: sibling(name, "br"),
                gzip: sibling(name, "gz"),
                media_type,
                etag: digest[..32].to_owned(),
                immutable: carries_a_hash(name),
            };
            Some((name.clone(), file))
        };
        Files(self.contents.iter().filter_map(file).collect())
    }
}

/// Whether a folder or a dotted or dashed part of the name is a hash.
fn carries_a_hash(name: &str) -> bool {
    name.split(['/', '.', '-'])
        .any(|part| part.len() >= HASH_DIGITS && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::carries_a_hash;

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        assert!(carries_a_hash("v/0123abcd45/popup.js"));
        assert!(carries_a_hash("popup.0123abcd.wasm"));
        assert!(!carries_a_hash("loader.js"));
        assert!(!carries_a_hash("facade/cafe.js"));
    }
}
