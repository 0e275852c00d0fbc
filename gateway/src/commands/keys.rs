//! `neoron keys …`: the sites' signing keys, and the tokens of staff. A private key is written to a file that only its
//! owner reads, and never printed.

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use neoron_protocol::grant::MintingKey;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    Failure,
    cli::{ConfigArgs, Format, KeysCommand},
    config::{self, Sources},
    out, random,
};

/// `neoron keys …`.
pub(super) fn keys(command: KeysCommand, sources: impl Fn(ConfigArgs) -> Sources) -> Result<(), Failure> {
    match command {
        KeysCommand::New { site, kid, out: folder } => Ok(new(&site, &kid, &folder)?),
        KeysCommand::Staff { name } => Ok(staff(&name)?),
        KeysCommand::List { config, format } => list(&sources(config), format),
    }
}

fn new(site: &str, kid: &str, folder: &Path) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if site.is_empty() || site.len() > 64 || !site.bytes().all(letters) {
        bail!("a site's id has 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`");
    }
    let seed = random::bytes::<32>();
    let key = MintingKey::from_seed(kid, &seed).map_err(|error| anyhow!("--kid: {error}"))?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let path = folder.join(format!("{site}-{kid}.key"));
    write_private(&path, &BASE64URL_NOPAD.encode(&seed))?;
    out::error(format!(
        "The private key is in {}. Give it to the site's server and to nobody else.\nThe gateway's configuration:\n",
        path.display()
    ));
    out::line(format!("[sites.{}.keys]\n{} = \"{}\"", quoted(site), quoted(kid), key.public().to_text()));
    Ok(())
}

/// The token is told once; the configuration holds only its hash.
fn staff(name: &str) -> Result<()> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(letters) {
        bail!("a name has 1 to 64 of a-z, A-Z, 0-9, `_` and `-`");
    }
    let token = random::token();
    out::error(format!("The token, told only now:\n\n  {token}\n\nThe gateway's configuration:\n"));
    out::line(format!("[staff.{name}]\ntoken_sha256 = \"{}\"", HEXLOWER.encode(&Sha256::digest(token.as_bytes()))));
    Ok(())
}

fn quoted(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

/// Writes a new file that only its owner reads; never over an old key.
fn write_private(path: &PathBuf, text: &str) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}; a key is never written over another", path.display()))?;
    writeln!(file, "{text}").and_then(|()| file.sync_all()).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a private key.
pub(super) fn read_private(path: &Path, kid: &str) -> Result<MintingKey> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the key {}", path.display()))?;
    MintingKey::from_text(kid, text.trim()).map_err(|error| anyhow!("the key {}: {error}", path.display()))
}

fn list(sources: &Sources, format: Format) -> Result<(), Failure> {
    let config = config::load(sources)?;
    let sites = config.keys.ids().filter_map(|id| Some((id, config.keys.site(id)?)));
    match format {
        Format::Text => {
            for (id, site) in sites {
                out::line(format!("{id}  {}", site.origins.join(" ")));
                for key in &site.keys {
                    out::line(format!("  {} = \"{}\"", key.kid(), key.to_text()));
                }
            }
        }
        Format::Json => {
            let listed = sites.map(|(id, site)| {
                let keys = site.keys.iter().map(|key| json!({"kid": key.kid(), "public": key.to_text()}));
                json!({"site": id, "origins": site.origins, "keys": keys.collect::<Vec<_>>()})
            });
            out::line(json!({"sites": listed.collect::<Vec<_>>()}).to_string());
        }
    }
    Ok(())
}
