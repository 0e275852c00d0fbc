//! What a tool answered, as far as the agent understands it.
//!
//! A model reads any text; so does this: an answer that is no JSON object of the expected form is simply said.

use serde_json::Value;

/// Longer plain text is not read out.
const LONGEST_SPEECH: usize = 600;

/// What became of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Quoted,
    Placed,
    Queued,
    Ask,
    Ok,
    Refused,
    /// Nothing that could be recognised.
    Other,
}

/// A tool's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) status: Status,
    pub(super) say: String,
    pub(super) quote_id: Option<String>,
    body: Value,
}

impl Reply {
    pub(super) fn read(text: &str) -> Self {
        let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let field = |key: &str| body[key].as_str().map(str::to_owned);
        let status = match body["status"].as_str() {
            Some("quoted") => Status::Quoted,
            Some("placed") => Status::Placed,
            Some("queued") => Status::Queued,
            Some("ask") => Status::Ask,
            Some("ok") => Status::Ok,
            Some("refused") => Status::Refused,
            _ => Status::Other,
        };
        let plain = if body.is_object() { "Done.".to_owned() } else { text.chars().take(LONGEST_SPEECH).collect() };
        let say = field("say").or_else(|| field("result")).unwrap_or(plain);
        Self { status, say, quote_id: field("quote_id"), body }
    }

    /// The reference of the document that was made: what people call it, or its name.
    pub(super) fn document(&self) -> Option<String> {
        let document = &self.body["document"];
        let reference = document["order_number"].as_str().or_else(|| document["name"].as_str());
        reference.map(str::to_owned)
    }

    /// The start of every slot, as `YYYY-MM-DDTHH:MM`.
    pub(super) fn slots(&self) -> Vec<String> {
        let lists = ["slots", "alternatives"].map(|key| (&self.body["data"][key], &self.body[key]));
        let found = lists.iter().flat_map(|(inner, outer)| [inner.as_array(), outer.as_array()]).flatten().next();
        let start = |slot: &Value| slot["start"].as_str().or(slot.as_str()).map(local);
        found.into_iter().flatten().filter_map(start).take(50).collect()
    }

    /// Names with what describes them.
    pub(super) fn categories(&self) -> Vec<(String, String)> {
        let list = self.body["data"]["categories"].as_array();
        let read = |entry: &Value| {
            let name = entry["category"].as_str().or(entry["name"].as_str()).or(entry.as_str())?;
            Some((name.to_owned(), entry["description"].as_str().unwrap_or_default().to_owned()))
        };
        list.into_iter().flatten().filter_map(read).take(50).collect()
    }

    /// The items that the tool does not know.
    pub(super) fn unknown(&self) -> Vec<String> {
        let list = self.body["data"]["unknown"].as_array().or(self.body["unknown"].as_array());
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// `2026-11-25 10:00:00` or `2026-11-25T10:00…` as `2026-11-25T10:00`.
fn local(text: &str) -> String {
    text.replacen(' ', "T", 1).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_in_both_spellings() {
        let reply = Reply::read(
            r#"{"status":"ok","say":"x","data":{"slots":[{"start":"2026-11-25 10:00:00"},"2026-11-25T11:30:00"]}}"#,
        );
        assert_eq!(reply.slots(), ["2026-11-25T10:00", "2026-11-25T11:30"]);
    }

    #[test]
    fn an_answer_that_is_no_json_is_said_as_it_stands() {
        let reply = Reply::read("Booked for Monday.");
        assert_eq!((reply.status, reply.say.as_str()), (Status::Other, "Booked for Monday."));
    }
}
