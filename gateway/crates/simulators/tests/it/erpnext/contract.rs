//! The contract's methods, good input and bad: what both apps answered on a real site, in its order
//! (`tests/contract/erpnext-answers.json`). The simulator answers the same, and so does every site with the apps and
//! the example business.

use std::{fs, path::Path};

use jiff::{
    ToSpan,
    civil::{Date, date},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, recorded::compare, target::Target};

/// Days from the recording that can be booked: dates beyond are beyond in every year.
const HORIZON: i64 = 60;

struct Recording {
    day: Date,
    cases: Vec<Value>,
}

impl Recording {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/contract/erpnext-answers.json");
        let whole: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let day = whole["recorded_on"].as_str().unwrap().parse().unwrap();
        Self { day, cases: whole["cases"].as_array().unwrap().clone() }
    }

    /// Whole weeks to the days that this run books: weekdays stay what they were.
    fn weeks(&self, target: &Target, extra: i64) -> i64 {
        let days = i64::from(self.day.until(target.today).unwrap().get_days());
        days.div_euclid(7) + 1 + extra
    }

    /// A request's body for this run: names of its own, days that are to come.
    fn body(&self, value: &Value, run: &str, weeks: i64) -> Value {
        match value {
            Value::String(text) => self.text(text, run, weeks).into(),
            Value::Array(list) => list.iter().map(|value| self.body(value, run, weeks)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.body(value, run, weeks)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str, run: &str, weeks: i64) -> String {
        let renamed = text.replace("-rec-", &format!("-{run}-")).replace("s_rec", &format!("s_{run}-"));
        let Some(day) = renamed.get(..10).and_then(|day| day.parse::<Date>().ok()) else { return renamed };
        let ahead = i64::from(self.day.until(day).unwrap().get_days());
        if !(0..HORIZON).contains(&ahead) {
            return renamed;
        }
        format!("{}{}", day.saturating_add(weeks.weeks()), &renamed[10..])
    }
}

/// Sends every recorded request and lists where the answers differ.
async fn replay(target: &Target, extra: i64) -> Vec<String> {
    let recording = Recording::read();
    let weeks = recording.weeks(target, extra);
    let mut failures = Vec::new();
    for case in &recording.cases {
        let sent = &case["request"];
        let body = recording.body(&sent["body"], &target.run, weeks);
        let path = sent["path"].as_str().unwrap();
        let mut asker = target.clone();
        let mut answer = if sent["headers"].get("Authorization").is_some() {
            asker.send(Method::POST, path, &body).await
        } else {
            asker.token = String::new();
            let request = target.client.post(format!("{}{path}", target.base)).json(&body);
            Site::send(request.header("X-Frappe-Site-Name", &target.site)).await
        };
        // Tracebacks, and whose code it was, are for people.
        for trace in ["exc", "exception", "_error_message"] {
            answer.body.as_object_mut().map(|body| body.remove(trace));
        }
        let differences = compare(&case["response"], &answer);
        failures.extend(differences.into_iter().map(|difference| format!("{}: {difference}", case["case"])));
    }
    failures
}

fn monday() -> Date {
    date(2026, 11, 23)
}

#[tokio::test]
async fn the_simulator_answers_what_the_apps_answer() {
    let site = Site::start().await;
    let failures = replay(&Target::simulator(&site, monday()), 0).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn the_contract_can_be_played_twice_on_one_site() {
    let site = Site::start().await;
    for (run, extra) in [("first", 1), ("second", 1)] {
        let target = Target { run: run.into(), ..Target::simulator(&site, monday()) };
        let failures = replay(&target, extra).await;
        assert!(failures.is_empty(), "{run}: {}", failures.join("\n"));
    }
}

/// Leaves a few documents of a run behind; its appointment is cancelled.
#[tokio::test]
#[ignore = "needs a real site: FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN (key:secret)"]
async fn real_a_site_answers_what_was_recorded() {
    let target = Target::real().await;
    let failures = replay(&target, 2).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the machine user asks for, and the status of the answer: its work, and nothing else.
async fn rights(target: &Target) -> Vec<String> {
    let run = &target.run;
    let (session, order, ticket) = (format!("s_{run}-m"), format!("q-{run}-m"), format!("t-{run}-m"));
    let ask = |method: Method, path: String, body: Value, status: u16| (method, path, body, status);
    let post = |path: &str, body: Value, status| ask(Method::POST, format!("/api/method/{path}"), body, status);
    let workflows = "business_workflows.api";
    let mut asked = vec![
        ask(Method::POST, "/api/resource/Voice%20Session".into(), json!({"session_id": session}), 200),
        ask(Method::GET, format!("/api/resource/Voice%20Session/{session}"), json!({}), 200),
        ask(Method::PUT, format!("/api/resource/Voice%20Session/{session}"), json!({"transcript": "Hello"}), 200),
        post(
            &format!("{workflows}.restaurant_logic.place_order"),
            json!({"idempotency_key": order, "session_id": session, "customer_name": "Ada", "order_type": "Pickup",
                "items": [{"menu_item": "Cola", "quantity": 1}]}),
            200,
        ),
        post(
            &format!("{workflows}.support_logic.create_ticket"),
            json!({"idempotency_key": ticket, "session_id": session, "customer_name": "Ada", "issue_description": "x"}),
            200,
        ),
        ask(Method::GET, format!("/api/resource/Voice%20Restaurant%20Order/{order}"), json!({}), 200),
        ask(Method::GET, format!("/api/resource/Voice%20Support%20Ticket/{ticket}"), json!({}), 200),
        // From here on it is not its work.
        ask(Method::PUT, format!("/api/resource/Voice%20Restaurant%20Order/{order}"), json!({"status": "Ready"}), 403),
        ask(Method::PUT, format!("/api/resource/Voice%20Support%20Ticket/{ticket}"), json!({"status": "Closed"}), 403),
        ask(Method::DELETE, format!("/api/resource/Voice%20Session/{session}"), json!({}), 403),
        ask(Method::DELETE, format!("/api/resource/Voice%20Restaurant%20Order/{order}"), json!({}), 403),
        post("frappe.desk.query_report.run", json!({"report_name": "Voice Session Summary"}), 403),
        ask(Method::POST, "/api/resource/Role".into(), json!({"role_name": format!("Role {run}")}), 403),
    ];
    if target.is_real {
        asked.extend([
            ask(Method::GET, "/api/resource/Restaurant%20Menu%20Item".into(), json!({}), 403),
            ask(Method::GET, "/api/resource/Appointment%20Service".into(), json!({}), 403),
            ask(Method::GET, "/api/resource/Support%20Category".into(), json!({}), 403),
            ask(Method::GET, "/api/resource/Business%20Workflow%20Settings".into(), json!({}), 403),
            ask(Method::GET, "/api/resource/Voice%20Status%20Event".into(), json!({}), 403),
            ask(Method::GET, "/api/resource/Voice%20Analytics".into(), json!({}), 403),
            // Frappe shows every user themselves, and nobody else.
            ask(Method::GET, "/api/resource/User/Administrator".into(), json!({}), 403),
            ask(
                Method::POST,
                "/api/resource/User".into(),
                json!({"email": format!("{run}@example.com"), "first_name": "x"}),
                403,
            ),
            ask(Method::PUT, "/api/resource/Voice%20Config/General".into(), json!({"prompt": "x"}), 403),
            ask(
                Method::POST,
                "/api/resource/Restaurant%20Menu%20Item".into(),
                json!({"item_name": run, "price": 1}),
                403,
            ),
            post("voice_agent.api.privacy_api.export_person", json!({"phone": "+442079460123"}), 403),
            post("voice_agent.api.privacy_api.erase_person", json!({"phone": "+442079460123"}), 403),
            post(
                "voice_agent.api.analytics_api.get_daily",
                json!({"from_date": "2026-01-01", "to_date": "2026-01-02"}),
                403,
            ),
            post(
                "voice_agent.api.analytics_api.recompute",
                json!({"from_date": "2026-01-01", "to_date": "2026-01-02"}),
                403,
            ),
            post("voice_agent.api.config_api.send_test", json!({"business_type": "General"}), 403),
            post(&format!("{workflows}.board_api.advance_order"), json!({"order": order, "status": "Pending"}), 403),
            post(&format!("{workflows}.board_api.take_ticket"), json!({"ticket": ticket}), 403),
            post("frappe.core.doctype.user.user.generate_keys", json!({"user": "Administrator"}), 403),
            post("frappe.client.delete", json!({"doctype": "Voice Session", "name": session}), 403),
            post(
                "frappe.desk.reportview.export_query",
                json!({"doctype": "Voice Session", "file_format_type": "CSV"}),
                403,
            ),
        ]);
    }
    let mut surprises = Vec::new();
    for (method, path, body, status) in asked {
        let answer = target.send(method.clone(), &path, &body).await;
        if answer.status != status {
            surprises.push(format!("{method} {path}: {} instead of {status}: {}", answer.status, answer.body));
        }
    }
    surprises
}

#[tokio::test]
async fn the_machine_user_does_its_work_and_nothing_else() {
    let site = Site::start().await;
    let surprises = rights(&Target::simulator(&site, monday())).await;
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[tokio::test]
#[ignore = "needs a real site: FRAPPE_URL, FRAPPE_SITE and FRAPPE_TOKEN (key:secret)"]
async fn real_the_machine_user_does_its_work_and_nothing_else() {
    let surprises = rights(&Target::real().await).await;
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
