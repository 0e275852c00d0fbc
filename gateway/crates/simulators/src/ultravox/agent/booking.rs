//! The appointment under way: which service, when, and which of the offered slots.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::intent;
use super::when::{self, Clock};
use super::words::{Words, number};

/// A booking as far as it was spoken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Booking {
    pub(super) service: Option<String>,
    pub(super) date: Option<Date>,
    pub(super) time: Option<Clock>,
    /// The slots that were offered last, as local times.
    pub(super) slots: Vec<String>,
    /// The slot that was chosen.
    pub(super) start: Option<String>,
    pub(super) again: bool,
}

impl Booking {
    /// Takes day and time out of an utterance; a changed day makes the offered slots worthless. Answers whether there
    /// was any.
    pub(super) fn hear_when(&mut self, words: &mut Words, today: Date, answering: bool) -> bool {
        let date = when::take_date(words, today);
        let time = when::take_time(words, answering);
        if date.is_some() && date != self.date {
            (self.slots, self.start) = (Vec::new(), None);
        }
        self.date = date.or(self.date);
        self.time = time.or(self.time);
        date.is_some() || time.is_some()
    }

    /// Takes the service: what is left of a booking sentence. A new one makes the old slots worthless.
    pub(super) fn hear_service(&mut self, words: &Words) -> bool {
        let Some(service) = service(words) else { return false };
        if self.service.as_ref() != Some(&service) {
            (self.slots, self.start) = (Vec::new(), None);
        }
        self.service = Some(service);
        true
    }

    /// Chooses among the offered slots: by time, or by place in the list.
    pub(super) fn choose(&mut self, words: &Words) -> bool {
        self.start = self.by_time().or_else(|| self.by_place(words)).or(self.start.take());
        self.start.is_some()
    }

    /// The offered slot that the wanted time means.
    pub(super) fn by_time(&self) -> Option<String> {
        let time = self.time?;
        let readings = [Some(time), time.other()];
        let day = self.date.map(|date| date.to_string());
        let fits = |slot: &&String, clock: Clock| {
            slot.ends_with(&format!("T{}", clock.text()))
                && day.as_ref().is_none_or(|day| slot.starts_with(day.as_str()))
        };
        readings.into_iter().flatten().find_map(|clock| self.slots.iter().find(|slot| fits(slot, clock))).cloned()
    }

    fn by_place(&self, words: &Words) -> Option<String> {
        const PLACES: [(&str, usize); 8] = [
            ("first", 0),
            ("earliest", 0),
            ("any", 0),
            ("second", 1),
            ("third", 2),
            ("fourth", 3),
            ("fifth", 4),
            ("1st", 0),
        ];
        let low = words.low();
        let place = PLACES.iter().find(|(word, _)| low.contains(word)).map(|(_, place)| *place);
        let last = low.contains(&"last").then(|| self.slots.len().checked_sub(1)).flatten();
        self.slots.get(place.or(last)?).cloned()
    }

    pub(super) fn availability(&self) -> Map<String, Value> {
        let mut arguments = Map::new();
        let mut add = |key: &str, value: Option<String>| {
            value.map(|value| arguments.insert(key.to_owned(), value.into()));
        };
        add("service", self.service.clone());
        add("date", self.date.map(|date| date.to_string()));
        arguments
    }

    /// The arguments of `bookAppointment`: the chosen slot, or the day and time as they were said.
    pub(super) fn arguments(&self) -> Option<Map<String, Value>> {
        let said = || Some(format!("{}T{}", self.date?, self.time?.text()));
        let start = self.start.clone().or_else(said)?;
        let mut arguments = Map::new();
        arguments.insert("service".to_owned(), self.service.clone()?.into());
        arguments.insert("start".to_owned(), start.into());
        if self.again {
            arguments.insert("again".to_owned(), true.into());
        }
        Some(arguments)
    }

    /// Takes up a booking from the arguments of an earlier call.
    pub(super) fn recall(&mut self, arguments: &Map<String, Value>) {
        let text = |key: &str| arguments.get(key).and_then(Value::as_str).map(str::to_owned);
        self.service = text("service").or(self.service.take());
        self.start = text("start").or(self.start.take());
    }
}

/// The service in a booking sentence: what remains without the words that every such sentence has.
fn service(words: &Words) -> Option<String> {
    const COMMON: [&str; 65] = [
        "hey",
        "good",
        "morning",
        "afternoon",
        "evening",
        "thanks",
        "thank",
        ",",
        "i'd",
        "i",
        "would",
        "like",
        "to",
        "want",
        "need",
        "book",
        "booking",
        "make",
        "an",
        "a",
        "appointment",
        "for",
        "please",
        "can",
        "could",
        "you",
        "get",
        "have",
        "schedule",
        "me",
        "in",
        "my",
        "the",
        "with",
        "and",
        "hi",
        "hello",
        "do",
        "any",
        "slot",
        "slots",
        "available",
        "availability",
        "free",
        "is",
        "are",
        "there",
        "on",
        "at",
        "yes",
        "reserve",
        "reservation",
        "of",
        "what",
        "when",
        "come",
        "it",
        "that",
        "first",
        "one",
        "take",
        "i'll",
        "let's",
        "some",
        "time",
    ];
    let rest: Vec<&str> =
        words.low().into_iter().filter(|word| !COMMON.contains(word) && number(word).is_none()).collect();
    let named = (1..=5).contains(&rest.len()) && !intent::is_yes(words) && !intent::is_no(words);
    named.then(|| rest.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        Date::constant(2026, 11, 24)
    }

    #[test]
    fn a_booking_sentence_gives_service_day_and_time() {
        for sentence in ["I'd like to book a haircut tomorrow at 10", "haircut tomorrow at 10 please"] {
            let (mut booking, mut words) = (Booking::default(), Words::new(sentence));
            assert!(booking.hear_when(&mut words, today(), false));
            assert!(booking.hear_service(&words));
            let arguments = booking.arguments().expect("complete");
            assert_eq!(
                (arguments["service"].as_str(), arguments["start"].as_str()),
                (Some("haircut"), Some("2026-11-25T10:00"))
            );
        }
    }

    #[test]
    fn a_slot_is_chosen_by_its_place_or_its_time() {
        let slots = ["2026-11-25T10:00", "2026-11-25T14:30"].map(str::to_owned).to_vec();
        for (answer, expected) in [
            ("the second one", Some("2026-11-25T14:30")),
            ("the first please", Some("2026-11-25T10:00")),
            ("half past two", Some("2026-11-25T14:30")),
            ("10", Some("2026-11-25T10:00")),
            ("hmm", None),
        ] {
            let mut booking = Booking { slots: slots.clone(), ..Booking::default() };
            let mut words = Words::new(answer);
            booking.hear_when(&mut words, today(), true);
            booking.choose(&words);
            assert_eq!(booking.start.as_deref(), expected, "{answer}");
        }
    }
}
