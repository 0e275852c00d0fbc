//! What a sentence is about when it is no order: questions, thanks, yes and no.
//!
//! Plain phrase lists, because the agent stands in for a model in demos and tests, where the same words must always
//! lead to the same step.

use super::words::Words;

/// A question or wish that one tool answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Menu,
    OrderStatus,
    TicketStatus,
    Business,
    Categories,
    CancelAppointment,
}

/// The question in a sentence, if there is one.
pub(super) fn question(words: &Words) -> Option<Question> {
    const TABLE: [(Question, &[&str]); 6] = [
        (
            Question::CancelAppointment,
            &[
                "cancel my appointment",
                "cancel the appointment",
                "cancel my booking",
                "cancel the booking",
                "cancel my haircut",
                "cancel an appointment",
            ],
        ),
        (
            Question::OrderStatus,
            &[
                "where is my order",
                "where's my order",
                "status of my order",
                "order status",
                "is my order ready",
                "how is my order",
                "how long will my order",
                "track my order",
                "what about my order",
            ],
        ),
        (
            Question::TicketStatus,
            &[
                "status of my ticket",
                "ticket status",
                "where is my ticket",
                "how is my ticket",
                "what about my ticket",
                "is my ticket",
                "update on my ticket",
                "news about my ticket",
            ],
        ),
        (Question::Categories, &["what categories", "which categories", "what kind of problems", "what topics"]),
        (
            Question::Menu,
            &[
                "menu",
                "what do you have",
                "what have you got",
                "what can i order",
                "what do you serve",
                "what's on offer",
                "what pizzas",
                "which pizzas",
                "what drinks",
                "what desserts",
            ],
        ),
        (
            Question::Business,
            &[
                "opening hours",
                "opening times",
                "what hours",
                "when do you open",
                "when do you close",
                "are you open",
                "what time do you",
                "when are you open",
                "where are you",
                "what's your address",
                "what is your address",
                "your phone number",
                "how can i reach you",
                "what services do you",
                "how do i find you",
            ],
        ),
    ];
    TABLE.iter().find(|(_, phrases)| words.says(phrases)).map(|(question, _)| *question)
}

/// Nothing but agreement.
pub(super) fn is_yes(words: &Words) -> bool {
    const CORE: [&str; 18] = [
        "yes",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "correct",
        "right",
        "confirm",
        "perfect",
        "fine",
        "absolutely",
        "exactly",
        "ahead",
        "good",
        "great",
        "definitely",
    ];
    const REST: [&str; 26] = [
        ",",
        "that's",
        "that",
        "is",
        "it",
        "please",
        "go",
        "do",
        "sounds",
        "order",
        "book",
        "place",
        "thanks",
        "thank",
        "you",
        "all",
        "the",
        "looks",
        "lovely",
        "of",
        "course",
        "i",
        "confirmed",
        "and",
        "me",
        "for",
    ];
    let low = words.low();
    low.iter().any(|word| CORE.contains(word)) && low.iter().all(|word| CORE.contains(word) || REST.contains(word))
}

/// Begins with a refusal.
pub(super) fn is_no(words: &Words) -> bool {
    matches!(words.low().first(), Some(&"no" | &"nope" | &"nah" | &"don't" | &"not")) || words.says(&["that's wrong"])
}

/// The visitor drops what was begun.
pub(super) fn is_dropped(words: &Words) -> bool {
    words.says(&[
        "never mind",
        "nevermind",
        "forget it",
        "forget the order",
        "cancel the order",
        "cancel my order",
        "cancel it",
        "cancel that",
        "cancel everything",
        "changed my mind",
    ])
}

/// The visitor leaves, whatever is open.
pub(super) fn is_bye(words: &Words) -> bool {
    words.says(&["bye", "goodbye", "good bye", "bye-bye", "hang up", "see you", "have a nice day", "have a good day"])
}

/// The visitor has nothing more to say; not a farewell while a question is open.
pub(super) fn is_done(words: &Words) -> bool {
    let thanks = words.says(&["thanks", "thank you", "cheers"]);
    let short = words.0.iter().filter(|word| word.low != ",").count() <= 6;
    words.says(&["that's all", "that is all", "that's it", "that would be all", "nothing else", "nothing more"])
        || (thanks && short)
        || (words.says(&["no", "nope"])
            && words.low().iter().all(|word| matches!(*word, "no" | "nope" | "," | "i'm" | "good")))
}

/// The same order once more.
pub(super) fn is_again(words: &Words) -> bool {
    words.says(&[
        "the same again",
        "same again",
        "the same as before",
        "same as last time",
        "the usual",
        "repeat my order",
        "repeat that order",
        "repeat the order",
        "that again please",
        "the same once more",
        "the same order",
    ])
}

/// Wants a person to read or call.
pub(super) fn is_message(words: &Words) -> bool {
    words.says(&[
        "leave a message",
        "take a message",
        "pass on a message",
        "message for",
        "call me back",
        "callback",
        "call back",
        "ring me back",
        "speak to a human",
        "speak to someone",
        "speak to a person",
        "talk to a human",
        "talk to someone",
        "talk to a person",
        "real person",
    ])
}

/// Whether the message is a request to be called.
pub(super) fn wants_callback(words: &Words) -> bool {
    words.says(&[
        "call me back",
        "callback",
        "call back",
        "ring me back",
        "call me",
        "speak to a human",
        "speak to someone",
        "speak to a person",
        "talk to a human",
        "talk to someone",
        "talk to a person",
        "real person",
    ])
}

/// Something is wrong.
pub(super) fn is_problem(words: &Words) -> bool {
    words.says(&[
        "broken",
        "doesn't work",
        "does not work",
        "not working",
        "isn't working",
        "stopped working",
        "won't",
        "can't",
        "cannot",
        "problem",
        "issue",
        "ticket",
        "error",
        "crashed",
        "crashes",
        "crashing",
        "down",
        "fails",
        "failing",
        "failed",
        "slow",
        "stuck",
        "trouble",
        "lost",
        "locked out",
        "wrong",
        "help with",
        "no internet",
        "leaking",
        "frozen",
        "forgot",
        "missing",
        "damaged",
        "complaint",
    ])
}

/// Wants a time.
pub(super) fn is_booking(words: &Words) -> bool {
    words.says(&[
        "book",
        "booking",
        "appointment",
        "schedule",
        "reserve",
        "reservation",
        "slot",
        "slots",
        "available",
        "availability",
        "free",
        "make an appointment",
        "come in",
    ])
}

/// How pressing a ticket is, when that was said.
pub(super) fn priority(words: &Words) -> Option<&'static str> {
    const TABLE: [(&str, &[&str]); 3] = [
        ("Urgent", &["urgent", "urgently", "emergency", "asap", "right now", "immediately", "critical"]),
        ("High", &["high priority", "important", "as soon as possible", "very soon"]),
        ("Low", &["no rush", "no hurry", "low priority", "not urgent", "whenever"]),
    ];
    let found = |name: &str| TABLE.iter().find(|(word, _)| *word == name).is_some_and(|(_, list)| words.says(list));
    ["Low", "Urgent", "High"].into_iter().find(|name| found(name))
}

/// A message that is not the visitor's: the business tells the agent something to pass on. It stands in instruction
/// tags, in brackets, or after a word like "update:".
pub(super) fn notice(text: &str) -> Option<String> {
    const MARKS: [&str; 5] = ["system:", "notice:", "update:", "instruction:", "note:"];
    let text = text.trim();
    let tagged = text.strip_prefix("<instruction>").map(|rest| rest.trim_end().trim_end_matches("</instruction>"));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    let marked = || {
        let mark = MARKS.iter().find(|mark| text.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark)));
        mark.map(|mark| &text[mark.len()..])
    };
    let inner = tagged.or_else(bracketed).or_else(marked)?.trim();
    Some(without_order_to_tell(inner).to_owned())
}

/// "Tell the visitor: …" is meant for the agent, what follows for the visitor.
fn without_order_to_tell(text: &str) -> &str {
    const TELL: [&str; 6] =
        ["tell the visitor", "tell the caller", "tell the customer", "tell the user", "say", "please tell"];
    for tell in TELL {
        if text.get(..tell.len()).is_some_and(|head| head.eq_ignore_ascii_case(tell)) {
            let rest = text[tell.len()..].trim_start();
            let rest = rest.strip_prefix("that ").or_else(|| rest.strip_prefix(':')).unwrap_or(rest);
            return rest.trim().trim_matches('"');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_find_their_tool() {
        for (text, expected) in [
            ("What's on the menu?", Some(Question::Menu)),
            ("Where is my order?", Some(Question::OrderStatus)),
            ("what are your opening hours", Some(Question::Business)),
            ("I want to cancel my appointment", Some(Question::CancelAppointment)),
            ("two colas", None),
        ] {
            assert_eq!(question(&Words::new(text)), expected, "{text}");
        }
    }

    #[test]
    fn yes_is_yes_only_when_nothing_is_added() {
        assert!(is_yes(&Words::new("Yes, please!")));
        assert!(is_yes(&Words::new("that's right, go ahead")));
        assert!(!is_yes(&Words::new("yes and add a tiramisu")));
        assert!(!is_yes(&Words::new("please")));
    }

    #[test]
    fn a_notice_is_told_from_what_the_visitor_says() {
        let expected = Some("your order is ready.".to_owned());
        assert_eq!(notice("<instruction>Tell the visitor that your order is ready.</instruction>"), expected);
        assert_eq!(notice("[Say: your order is ready.]"), expected);
        assert_eq!(notice("Update: your order is ready."), expected);
        assert_eq!(notice("two colas"), None);
    }

    #[test]
    fn not_urgent_is_not_urgent() {
        assert_eq!(priority(&Words::new("it is not urgent")), Some("Low"));
        assert_eq!(priority(&Words::new("this is urgent")), Some("Urgent"));
        assert_eq!(priority(&Words::new("my router is broken")), None);
    }
}
