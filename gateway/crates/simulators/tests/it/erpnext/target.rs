//! A site that a case is sent to: the simulator, or a real one that the environment names. Cases of the contract do not
//! know which it is.

use std::time::Duration;

use jiff::{ToSpan, civil::Date};
use neoron_simulators::erpnext::system_clock;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{APPOINTMENTS, Answer, Site};

/// A real site with two workers needs a while for 200 visitors.
const REAL_DEADLINE: Duration = Duration::from_secs(120);

/// Where requests go, and what makes this run's names its own.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) base: String,
    pub(crate) site: String,
    /// `key:secret` of a user whose only role is Voice Gateway.
    pub(crate) token: String,
    /// Part of every name of this run.
    pub(crate) run: String,
    /// The site's day.
    pub(crate) today: Date,
    pub(crate) is_real: bool,
}

impl Target {
    pub(crate) fn simulator(site: &Site, today: Date) -> Self {
        Self {
            client: site.client.clone(),
            base: site.url(""),
            site: "voice.localhost".into(),
            token: "gateway:gateway-secret".into(),
            run: "run".into(),
            today,
            is_real: false,
        }
    }

    /// The site of `FRAPPE_URL`, `FRAPPE_SITE` and `FRAPPE_TOKEN`, with the example business on it.
    #[expect(clippy::disallowed_methods, reason = "a real site is named by the environment, as the docs say")]
    pub(crate) async fn real() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        // The client needs the crypto provider that a simulator sets.
        let _local = Site::start().await;
        let now = system_clock()();
        Self {
            client: Client::builder().no_proxy().timeout(REAL_DEADLINE).pool_max_idle_per_host(0).build().unwrap(),
            base: variable("FRAPPE_URL").trim_end_matches('/').to_owned(),
            site: variable("FRAPPE_SITE"),
            token: variable("FRAPPE_TOKEN"),
            run: format!("t{:x}", now.as_microsecond()),
            today: jiff::tz::TimeZone::UTC.to_datetime(now).date(),
            is_real: true,
        }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("X-Frappe-Site-Name", &self.site).header("Accept", "application/json");
        let request = request.header("Authorization", format!("token {}", self.token)).json(body);
        Site::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn call(&self, method: &str, arguments: &Value) -> Answer {
        self.send(Method::POST, &format!("/api/method/{method}"), arguments).await
    }

    pub(crate) async fn booking(&self, function: &str, arguments: &Value) -> Answer {
        self.call(&format!("{APPOINTMENTS}.{function}"), arguments).await
    }

    /// A weekday that can be booked and has no appointment of anybody.
    pub(crate) async fn empty_day(&self) -> Date {
        for days in 2..55 {
            let day = self.today.saturating_add(days.days());
            if day.weekday() != jiff::civil::Weekday::Sunday && self.appointments(day).await.is_empty() {
                return day;
            }
        }
        panic!("no day is empty: cancel the appointments of earlier runs")
    }

    /// The appointments of a day that were not cancelled.
    pub(crate) async fn appointments(&self, day: Date) -> Vec<Value> {
        let filters = json!([
            ["start", ">=", format!("{day} 00:00:00")],
            ["start", "<=", format!("{day} 23:59:59")],
            ["status", "!=", "Cancelled"]
        ]);
        let fields = json!(["name", "start", "resource"]);
        let path = format!(
            "/api/resource/Voice%20Appointment?limit_page_length=0&filters={}&fields={}",
            percent_encoding::utf8_percent_encode(&filters.to_string(), percent_encoding::NON_ALPHANUMERIC),
            percent_encoding::utf8_percent_encode(&fields.to_string(), percent_encoding::NON_ALPHANUMERIC),
        );
        let request = self.client.get(format!("{}{path}", self.base)).header("X-Frappe-Site-Name", &self.site);
        let request = request.header("Authorization", format!("token {}", self.token));
        Site::send(request).await.data().as_array().unwrap().clone()
    }

    /// Gives an appointment's time back.
    pub(crate) async fn cancel(&self, name: &str) {
        let cancel = json!({"idempotency_key": format!("x-{name}"), "session_id": "s_x", "appointment": name});
        self.booking("cancel_appointment", &cancel).await.message();
    }
}
