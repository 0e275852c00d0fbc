//! Frappe's two rate limiters: the site's, by processing time, and a
//! method's own, by calls in a fixed window. They answer differently: only
//! the site's sends `Retry-After` and `X-RateLimit-*`.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::failure::{Failure, METHOD_LIMIT, Outcome, SITE_LIMIT};

/// The most windows of methods kept at a time; beyond it a call is refused.
const MAX_WINDOWS: usize = 10_000;

/// The site-wide limit: so much processing time in a window.
#[derive(Clone, Copy, Debug)]
pub struct SiteLimit {
    /// Processing time that a window allows.
    pub limit: Duration,
    /// The window's length; less than a second counts as one.
    pub window: Duration,
}

/// What both limiters remember.
#[derive(Debug, Default)]
pub(super) struct Limits {
    site: (i64, Duration),
    methods: HashMap<String, (i64, u32)>,
}

fn seconds(window: Duration) -> i64 {
    i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1)
}

impl Limits {
    /// Refuses a request when the site's window is used up.
    pub(super) fn admit(&mut self, limit: Option<SiteLimit>, now: Timestamp) -> Outcome<()> {
        let Some(limit) = limit else { return Ok(()) };
        let length = seconds(limit.window);
        let number = now.as_second().div_euclid(length);
        if self.site.0 != number {
            self.site = (number, Duration::ZERO);
        }
        if self.site.1 < limit.limit {
            return Ok(());
        }
        let reset = length - now.as_second().rem_euclid(length);
        Err(refuse_site(limit.limit, reset))
    }

    /// Books the processing time of a request.
    pub(super) fn charge(&mut self, spent: Duration) {
        self.site.1 = self.site.1.saturating_add(spent);
    }

    /// Counts a call of a limited method.
    pub(super) fn call(&mut self, method: &str, caller: &str, limit: (u32, i64), now: Timestamp) -> Outcome<()> {
        let (calls, length) = limit;
        let now = now.as_second();
        if self.methods.len() >= MAX_WINDOWS {
            self.methods.retain(|_, (started, _)| now - *started < length);
        }
        let key = format!("{method} {caller}");
        if self.methods.len() >= MAX_WINDOWS && !self.methods.contains_key(&key) {
            return Err(refuse_method());
        }
        let (started, count) = self.methods.entry(key).or_insert((now, 0));
        if now - *started >= length {
            (*started, *count) = (now, 0);
        }
        if *count >= calls {
            return Err(refuse_method());
        }
        *count += 1;
        Ok(())
    }
}

fn refuse_method() -> Failure {
    let text = "You hit the rate limit because of too many requests. Please try after sometime.";
    Failure::thrown(METHOD_LIMIT, text)
}

/// The site limiter's refusal, with `reset` seconds left in the window.
pub(super) fn refuse_site(limit: Duration, reset: i64) -> Failure {
    Failure::raised(SITE_LIMIT, "")
        .header("x-ratelimit-limit", limit.as_micros().to_string())
        .header("x-ratelimit-remaining", "0".to_owned())
        .header("x-ratelimit-reset", reset.to_string())
        .header("retry-after", reset.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_site_refuses_until_the_window_ends() {
        let limit = SiteLimit { limit: Duration::from_secs(1), window: Duration::from_secs(60) };
        let mut limits = Limits::default();
        assert!(limits.admit(Some(limit), at(600)).is_ok());
        limits.charge(Duration::from_secs(1));
        let refused = limits.admit(Some(limit), at(612)).unwrap_err();
        assert!(refused.headers().contains(&("retry-after", "48".to_owned())));
        assert!(refused.headers().contains(&("x-ratelimit-limit", "1000000".to_owned())));
        assert!(limits.admit(Some(limit), at(660)).is_ok());
    }

    #[test]
    fn a_method_counts_each_caller_from_its_first_call() {
        let mut limits = Limits::default();
        for second in 0..3 {
            assert!(limits.call("m", "a", (3, 60), at(second)).is_ok());
        }
        assert!(limits.call("m", "a", (3, 60), at(59)).is_err());
        assert!(limits.call("m", "b", (3, 60), at(59)).is_ok());
        assert!(limits.call("m", "a", (3, 60), at(60)).is_ok());
    }
}
