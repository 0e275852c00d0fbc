//! What is wrong only together: what is missing, values that do not fit each other, profiles that cannot work.
//!
//! A check is skipped where one of its values is wrong in itself: that mistake is told already.

mod deployment;

use std::{collections::BTreeMap, net::IpAddr};

use neoron_protocol::grant::PublicKey;

use super::{
    build,
    effective::Settings,
    path::Path,
    report::{Problem, Problems},
    schema,
};

/// Checks everything that the single values do not tell.
///
/// # Errors
/// The problems so far and those found here.
pub(super) fn check(mut settings: Settings, mut problems: Problems) -> Result<Settings, Problems> {
    switch_off(&mut settings);
    missing(&mut settings, &mut problems);
    let mut checks = Checks { settings: &settings, problems: &mut problems };
    checks.addresses();
    checks.store();
    checks.worker_addresses();
    checks.times();
    checks.erpnext();
    checks.sites();
    checks.staff();
    checks.businesses();
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

/// Takes away what is switched off, before anything is asked of it.
fn switch_off(settings: &mut Settings) {
    let businesses = Path::of(["business"]);
    let is_off = |settings: &Settings, table: &Path| {
        let enabled = table.child("enabled");
        settings.get(&enabled).is_some() && !settings.is(&enabled)
    };
    for name in settings.names(&businesses) {
        let business = businesses.child(&name);
        if is_off(settings, &business) {
            settings.remove(&business);
            continue;
        }
        let tools = business.child("tools");
        for tool in settings.names(&tools) {
            if is_off(settings, &tools.child(&tool)) {
                settings.remove(&tools.child(&tool));
            }
        }
    }
}

fn missing(settings: &mut Settings, problems: &mut Problems) {
    for path in settings.complete() {
        let Some(key) = schema::find(&path).filter(|_| !problems.concern(&path)) else { continue };
        let or_file = if key.secret { format!(", or {path}_file") } else { String::new() };
        let variable = path.parts().join("__").to_uppercase().replace('-', "_");
        let said = format!("required, but not set; set {path}{or_file}, or NEORON_{variable}");
        // A table of one's own has a place to show; a section of ours has none that would help.
        let origin = settings.origin(&path).filter(|_| key.path.contains('*')).cloned();
        problems.add(Problem::new("missing", Some(path), said).at(origin));
    }
}

/// What an operator may call a site or a member of the staff.
fn is_id(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(letters)
}

struct Checks<'a> {
    settings: &'a Settings,
    problems: &'a mut Problems,
}

impl Checks<'_> {
    fn refuse(&mut self, path: Path, said: impl Into<String>) {
        let origin = self.settings.origin(&path).cloned();
        self.problems.add(Problem::new("conflict", Some(path), said.into()).at(origin));
    }

    fn sound(&self, paths: &[&Path]) -> bool {
        paths.iter().all(|path| !self.problems.concern(path) && self.settings.get(path).is_some())
    }

    fn addresses(&mut self) {
        let (listen, admin) = (Path::of(["edge", "listen"]), Path::of(["edge", "admin"]));
        let url = Path::of(["gateway", "public_url"]);
        let same = self.settings.text(&listen) == self.settings.text(&admin);
        if self.sound(&[&listen, &admin]) && same && !self.settings.text(&listen).ends_with(":0") {
            self.refuse(admin, "must be another address than edge.listen: what is there is for operators only");
        }
        if self.sound(&[&url]) {
            let text = self.settings.text(&url);
            let parsed = url::Url::parse(&text).ok();
            if parsed.as_ref().is_some_and(|it| it.path() != "/") {
                self.refuse(url, "must have no path: the routes begin at its root");
            } else if parsed.is_some_and(|it| it.scheme() == "http" && !is_local(&it)) {
                self.refuse(url, "must begin with https:// unless it is this machine: it carries tickets and tokens");
            }
        }
        let proxies = Path::of(["edge", "trusted_proxies"]);
        for text in self.settings.list(&proxies) {
            if text.parse::<IpAddr>().is_err() {
                self.refuse(proxies.clone(), format!("{text:?} is no IP address"));
            }
        }
        let key = Path::of(["edge", "key"]);
        if !self.settings.text(&key).bytes().all(|byte| byte.is_ascii_graphic()) {
            self.refuse(key, "must hold printable ASCII characters without spaces only");
        }
    }

    fn times(&mut self) {
        let rules = [
            ("worker.job_lease", "erpnext.request_deadline", "else a job is taken over while it still runs"),
            ("worker.job_lease", "ultravox.request_deadline", "else a job is taken over while it still runs"),
        ];
        for (longer, shorter, why) in rules {
            let of = |text: &str| Path::of(text.split('.'));
            let (long, short) = (of(longer), of(shorter));
            if self.sound(&[&long, &short]) && self.settings.span(&long) <= self.settings.span(&short) {
                self.refuse(long, format!("must be longer than {shorter}, {why}"));
            }
        }
        let (second, minute) =
            (Path::of(["ultravox", "creations_per_second"]), Path::of(["ultravox", "creations_per_minute"]));
        if self.sound(&[&second, &minute]) && self.settings.number(&minute) < self.settings.number(&second) {
            self.refuse(minute, "must not be less than ultravox.creations_per_second");
        }
        let deadline = Path::of(["edge", "tool_deadline"]);
        for name in self.settings.names(&Path::of(["business"])) {
            let tools = Path::of(["business", &name, "tools"]);
            for tool in self.settings.names(&tools) {
                let timeout = tools.child(&tool).child("timeout");
                let late = self.settings.span(&timeout) >= self.settings.span(&deadline);
                if self.sound(&[&timeout, &deadline]) && late {
                    self.refuse(timeout, "must be shorter than edge.tool_deadline, else its answer is cut off");
                }
            }
        }
    }

    fn erpnext(&mut self) {
        let (token, zone) = (Path::of(["erpnext", "token"]), Path::of(["erpnext", "time_zone"]));
        let header = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if self.sound(&[&token]) {
            let text = self.settings.text(&token);
            if text.split(':').filter(|half| !half.is_empty()).count() != 2 || !header(&text) {
                self.refuse(token, "must be key:secret of the machine user");
            }
        }
        if self.sound(&[&zone]) && jiff::tz::TimeZone::get(&self.settings.text(&zone)).is_err() {
            self.refuse(zone, "is no IANA time zone; write it as Europe/London");
        }
    }

    fn sites(&mut self) {
        let sites = Path::of(["sites"]);
        let names = self.settings.names(&sites);
        if names.is_empty() && !self.problems.concern(&sites) {
            let said = "no site is configured, so nobody could call; add [sites.NAME] with origins and keys \
                (`neoron keys new --site NAME` prints them)";
            self.problems.add(Problem::new("missing", Some(sites.clone()), said.to_owned()));
        }
        for name in names {
            let site = sites.child(&name);
            if !is_id(&name) {
                self.refuse(site.clone(), "a site's id has 1 to 64 of a-z, A-Z, 0-9, . _ -");
            }
            let keys = site.child("keys");
            let kids = self.settings.names(&keys);
            if kids.is_empty() {
                let said = format!("a site needs at least one key; `neoron keys new --site {name}` makes one");
                let origin = self.settings.origin(&site).cloned();
                self.problems.add(Problem::new("missing", Some(keys.clone()), said).at(origin));
            }
            for kid in kids {
                let key = keys.child(&kid);
                if self.sound(&[&key])
                    && let Err(error) = PublicKey::from_text(&kid, &self.settings.text(&key))
                {
                    self.refuse(key, error.to_string());
                }
            }
            self.origins(&site.child("origins"));
        }
    }

    fn staff(&mut self) {
        let table = Path::of(["staff"]);
        for name in self.settings.names(&table) {
            let staff = table.child(&name);
            if !is_id(&name) || name.contains('.') {
                self.refuse(staff.clone(), "a staff name has 1 to 64 of a-z, A-Z, 0-9, _ -");
            }
            let hash = staff.child("token_sha256");
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if self.sound(&[&hash]) && !self.settings.text(&hash).bytes().all(hex) {
                self.refuse(hash, "is no SHA-256; `neoron keys staff` prints one, 64 of 0-9 and a-f");
            }
        }
    }

    fn origins(&mut self, path: &Path) {
        for text in self.settings.list(path) {
            match url::Url::parse(&text) {
                Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                    self.refuse(path.clone(), format!("{text:?} must begin with https://"));
                }
                Ok(url) if url.origin().ascii_serialization() != text => {
                    let meant = url.origin().ascii_serialization();
                    self.refuse(path.clone(), format!("{text:?} is not an exact origin; write {meant:?}"));
                }
                Ok(url) if url.scheme() == "http" && !is_local(&url) => {
                    self.refuse(path.clone(), format!("{text:?} must begin with https:// unless it is this machine"));
                }
                Ok(_) => {}
                Err(error) => self.refuse(path.clone(), format!("{text:?} is no origin: {error}")),
            }
        }
    }

    /// Has the worker compile the profiles that have no mistake in a single value.
    fn businesses(&mut self) {
        let all = Path::of(["business"]);
        let mut sound = BTreeMap::new();
        for name in self.settings.names(&all) {
            let path = all.child(&name);
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(letters) {
                self.refuse(path.clone(), "a profile's name has 1 to 64 of a-z, A-Z, 0-9, _ -");
            }
            if !self.problems.concern(&path) {
                sound.insert(name.clone(), build::business(self.settings, &path));
            }
        }
        if sound.is_empty() && !self.problems.concern(&all) {
            let said = "every profile is switched off, so nobody could call".to_owned();
            self.problems.add(Problem::new("missing", Some(all), said));
        }
        for said in neoron_worker::check_businesses(&sound) {
            let (path, message) = self.located(&said);
            self.refuse(path, message);
        }
    }

    /// `business.x.tools.y: say: …` → the path `business.x.tools.y.say` and the rest.
    fn located(&self, said: &str) -> (Path, String) {
        let Some((place, message)) = said.split_once(": ") else { return (Path::of(["business"]), said.to_owned()) };
        let table = Path::of(place.split('.'));
        match message.split_once(": ") {
            Some((key, rest)) if schema::find(&table.child(key)).is_some() => (table.child(key), rest.to_owned()),
            _ => (table, message.to_owned()),
        }
    }
}

/// Whether a URL leads to this machine.
fn is_local(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
