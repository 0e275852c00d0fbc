//! `neoron grant …`: what a site's server does, for trying things out and for finding out why a grant is refused.

use anyhow::{Context as _, anyhow};
use data_encoding::BASE64URL_NOPAD;
use neoron_protocol::{
    UnixMillis,
    grant::{Claims, Expected, Unverified, mint},
};
use neoron_store::{Clock as _, SystemClock};
use serde_json::json;

use super::{keys, read_input};
use crate::{
    Failure,
    cli::{ConfigArgs, GrantCommand},
    config::{self, Sources},
    out, random,
};

/// `neoron grant …`.
pub(super) fn grant(command: GrantCommand, sources: impl Fn(ConfigArgs) -> Sources) -> Result<(), Failure> {
    match command {
        GrantCommand::Mint { site, key, kid, origin, business, max_seconds, language } => {
            let key = keys::read_private(&key, &kid)?;
            let jti = BASE64URL_NOPAD.encode(&random::bytes::<16>());
            let mut claims = Claims::for_visit(&site, &origin, &business, &jti, now(), max_seconds);
            claims.loc = language;
            let token = mint(&claims, &key);
            // What it refuses, every gateway refuses: better told here.
            Unverified::parse(&token).context("a claim is out of its bounds; see the options' help")?;
            out::line(token);
            Ok(())
        }
        GrantCommand::Inspect { token, verify, config } => {
            let token = match token {
                Some(token) => token,
                None => String::from_utf8(read_input(None)?).context("a grant is ASCII text")?,
            };
            let sources = verify.then(|| sources(config));
            inspect(token.trim(), sources.as_ref())
        }
    }
}

fn now() -> UnixMillis {
    SystemClock.now()
}

fn inspect(token: &str, sources: Option<&Sources>) -> Result<(), Failure> {
    let grant = Unverified::parse(token).map_err(|error| anyhow!("{error}"))?;
    let claims = grant.claims().clone();
    let left = claims.exp.saturating_sub(now().seconds());
    let mut told = json!({"claims": claims, "expires_in": left, "expired": left == 0});
    let mut good = Ok(());
    if let Some(sources) = sources {
        let keys = config::load(sources)?.keys;
        let expected = Expected { origin: &claims.org, now: now() };
        let verdict = grant.verify(expected, &keys);
        told["verdict"] = match &verdict {
            Ok(_) => json!("good"),
            Err(error) => json!(error.to_string()),
        };
        good = verdict.map(drop).map_err(|_| Failure::Silent);
    }
    out::line(serde_json::to_string_pretty(&told).unwrap_or_default());
    good
}
