//! How a simulated site is set up.

use std::{fmt, time::Duration};

use url::Url;

use super::{
    clock::{Clock, system_clock},
    doctype::{GATEWAY_ROLE, MANAGER_ROLE},
    limit::SiteLimit,
};

/// What one insert costs a real site's worker (22 to 24 ms of Python and 3 ms
/// of database were measured): the latency to set for a realistic pace.
pub const REAL_LATENCY: Duration = Duration::from_millis(25);

/// The settings of a simulated site.
#[derive(Clone)]
pub struct Options {
    /// The site's name, which `X-Frappe-Site-Name` or `Host` has to give.
    pub site: String,
    /// The site's time zone, an IANA name. All datetimes are naive in it.
    pub time_zone: String,
    /// Who may call.
    pub users: Vec<User>,
    /// Where status changes are sent; can be set later as well.
    pub webhook: Option<WebhookTarget>,
    /// Requests that are worked on at once; 0 counts as 1.
    pub workers: usize,
    /// Requests that may wait for a worker. One more is answered 503.
    pub queue: usize,
    /// How long each request occupies a worker.
    pub latency: Duration,
    /// The site-wide rate limit; none by default.
    pub site_limit: Option<SiteLimit>,
    /// Whether errors carry `exception` and `exc`, as System Settings have it.
    pub tracebacks: bool,
    /// Whether `X-Frappe-Request-Id` is echoed, as with the site config `monitor`.
    pub monitor: bool,
    /// The source of the present.
    pub clock: Clock,
}

impl Default for Options {
    /// The demo's site: London time, two workers, no latency, and two users:
    /// the gateway's machine user and a manager.
    fn default() -> Self {
        Self {
            site: "voice.localhost".into(),
            time_zone: "Europe/London".into(),
            users: vec![User::gateway(), User::manager()],
            webhook: None,
            workers: 2,
            queue: 2_048,
            latency: Duration::ZERO,
            site_limit: None,
            tracebacks: true,
            monitor: false,
            clock: system_clock(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("site", &self.site)
            .field("time_zone", &self.time_zone)
            .field("users", &self.users)
            .field("webhook", &self.webhook)
            .field("workers", &self.workers)
            .field("queue", &self.queue)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

/// A user with an API key.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The e-mail address, which is the user's name.
    pub email: String,
    /// The public half of the token.
    pub key: String,
    /// The secret half of the token.
    pub secret: String,
    /// The user's roles.
    pub roles: Vec<String>,
}

impl User {
    /// The gateway's machine user: token `gateway:gateway-secret`.
    #[must_use]
    pub fn gateway() -> Self {
        Self::new("voice-gateway@example.com", "gateway", "gateway-secret", &[GATEWAY_ROLE])
    }

    /// A user who may do everything: token `manager:manager-secret`.
    #[must_use]
    pub fn manager() -> Self {
        Self::new("voice-manager@example.com", "manager", "manager-secret", &[MANAGER_ROLE])
    }

    /// A user of one's own.
    #[must_use]
    pub fn new(email: &str, key: &str, secret: &str, roles: &[&str]) -> Self {
        Self {
            email: email.into(),
            key: key.into(),
            secret: secret.into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("email", &self.email).field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Where status webhooks go.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// The gateway's `/webhook/order-update`.
    pub url: Url,
    /// The shared secret of the signature.
    pub secret: String,
}

impl fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookTarget").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}
