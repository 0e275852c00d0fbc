//! What must fit for processes to find each other: the store they share and the addresses of workers.

use std::net::{IpAddr, SocketAddr};

use super::{Checks, Path};

fn at(text: &str) -> Path {
    Path::of(text.split('.'))
}

impl Checks<'_> {
    /// The store: in one place only, and shared by processes that know each other.
    pub(super) fn store(&mut self) {
        let (url, file, prefix) = (at("store.url"), at("store.file"), at("store.prefix"));
        if self.settings.text(&prefix).contains(['{', '}']) {
            self.refuse(prefix, "must have no braces: they would spoil the spreading over slots");
        }
        if !self.sound(&[&url]) {
            return;
        }
        if self.settings.get(&file).is_some() {
            self.refuse(file, "is the embedded store's, which is not used with store.url: remove one of the two");
        }
        let text = self.settings.text(&url);
        // Not told what it is: it may hold a password.
        match text.split_once("://") {
            Some(("redis" | "redis+cluster", hosts)) if !hosts.is_empty() => {}
            _ => self.refuse(url, "must begin with redis:// or redis+cluster:// and name a server"),
        }
    }

    /// The workers: somewhere that gateways reach.
    pub(super) fn worker_addresses(&mut self) {
        let (listen, advertise, workers) = (at("worker.listen"), at("worker.advertise"), at("gateway.workers"));
        if self.sound(&[&advertise]) {
            match self.settings.text(&advertise).parse::<IpAddr>() {
                Ok(address) if address.is_unspecified() => {
                    self.refuse(advertise.clone(), "must be an address that gateways can connect to");
                }
                Ok(_) => {}
                Err(error) => self.refuse(advertise.clone(), format!("is no IP address: {error}")),
            }
        }
        let Ok(address) = self.settings.text(&listen).parse::<SocketAddr>() else { return };
        if address.ip().is_unspecified() && self.settings.get(&advertise).is_none() {
            self.refuse(
                listen.clone(),
                "listens on all addresses: set worker.advertise to the one that gateways reach",
            );
        }
        if address.port() != 0 && self.sound(&[&workers]) && self.settings.number(&workers) > 1 {
            self.refuse(listen, "has a fixed port, which serves one worker: use port 0, or gateway.workers = 1");
        }
    }
}
