//! What the apps make of the words that a caller's program sends: names,
//! texts, keys, telephone numbers, and the form in which words are compared.
//!
//! A stand-in for the apps' rules (`voice_agent.domain`): numbers are read
//! for the United Kingdom alone, and scripts are not normalised.

use crate::erpnext::failure::{Failure, INVALID_PHONE, Outcome, VALIDATION};

/// The longest name: a `Data` column.
const NAME_LIMIT: usize = 140;
/// The longest text about one order or one problem.
const PROSE_LIMIT: usize = 4_000;
/// E.164's bounds, in digits.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;
/// People add spaces, brackets and a plus to a number.
const PHONE_LIMIT: usize = 40;

/// One line of 1 to 140 characters.
pub(super) fn name(said: &str, what: &str) -> Outcome<String> {
    let line = plain(said).split_whitespace().collect::<Vec<_>>().join(" ");
    bounded(line, what, NAME_LIMIT)
}

/// Several lines of 1 to 4000 characters.
pub(super) fn prose(said: &str, what: &str) -> Outcome<String> {
    bounded(plain(said).trim().to_owned(), what, PROSE_LIMIT)
}

fn bounded(text: String, what: &str, limit: usize) -> Outcome<String> {
    let refused = |say: String| Err(Failure::said(VALIDATION, "invalid_text", say));
    match text.chars().count() {
        0 => refused(format!("I need the {what}.")),
        letters if letters > limit => refused(format!("That {what} is too long. A shorter one, please.")),
        _ => Ok(text),
    }
}

/// An idempotency key or a session's id: it becomes a document's name.
pub(in crate::erpnext) fn key(given: &str) -> Outcome<&str> {
    let letter = |(at, byte): (usize, u8)| byte.is_ascii_alphanumeric() || (at > 0 && b"._:-".contains(&byte));
    if (1..=NAME_LIMIT).contains(&given.len()) && given.bytes().enumerate().all(letter) {
        return Ok(given);
    }
    Err(Failure::said(VALIDATION, "invalid_key", "The idempotency key is not usable."))
}

/// A telephone number in E.164, a national one read as British.
pub(super) fn phone(said: &str) -> Outcome<String> {
    let refused = |say: &str| Err(Failure::said(INVALID_PHONE, "invalid_phone", say));
    let digits: String = said.chars().filter(char::is_ascii_digit).collect();
    let odd = said.chars().any(|letter| !letter.is_ascii_digit() && !" +-().".contains(letter));
    if odd || digits.len() < 2 || said.len() > PHONE_LIMIT {
        return refused("That is not a telephone number.");
    }
    let international = if said.trim_start().starts_with('+') {
        digits
    } else if let Some(rest) = digits.strip_prefix("00") {
        rest.to_owned()
    } else {
        format!("44{}", digits.strip_prefix('0').unwrap_or(&digits))
    };
    if PHONE_DIGITS.contains(&international.len()) {
        return Ok(format!("+{international}"));
    }
    refused("That telephone number has too many or too few digits.")
}

/// The form in which words are compared: case, hyphens and spacing do not
/// count.
pub(super) fn said(words: &str) -> String {
    let letters: String =
        words.to_lowercase().chars().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the words are one of the names, as said.
pub(super) fn is_called<'a>(words: &str, names: impl IntoIterator<Item = &'a str>) -> bool {
    let wanted = said(words);
    !wanted.is_empty() && names.into_iter().any(|name| said(name) == wanted)
}

/// Text without markup and control characters.
fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        kept.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        // A tag has no other bracket inside; one that is never closed is no tag, and only its bracket goes.
        if let Some(close) = rest.find(['<', '>']).filter(|at| rest[*at..].starts_with('>')) {
            rest = &rest[close + 1..];
        }
    }
    kept.push_str(rest);
    kept.chars().filter(|letter| *letter != '>' && (matches!(letter, '\n' | '\t') || !letter.is_control())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_number_has_one_form_however_it_is_said() {
        for (given, stored) in [
            ("020 7946 0123", "+442079460123"),
            ("(020) 7946-0123", "+442079460123"),
            ("0044 20 7946 0123", "+442079460123"),
            ("+1 (212) 555-0123", "+12125550123"),
        ] {
            assert_eq!(phone(given).unwrap(), stored);
        }
        for none in ["banana", "", "+", "1234567890123456", "12"] {
            assert_eq!(phone(none).unwrap_err().exc_type(), "InvalidPhoneNumberError", "{none}");
        }
    }

    #[test]
    fn markup_goes_and_everything_else_stays() {
        assert_eq!(
            name("  <b>Ada</b> \"the\n Countess\" \u{1f355} ", "name").unwrap(),
            "Ada \"the Countess\" \u{1f355}"
        );
        assert_eq!(prose("1 < 2 <i>and</i> 3 > 2", "text").unwrap(), "1  2 and 3  2");
        assert!(name("<p></p>", "name").is_err() && name(&"x".repeat(141), "name").is_err());
    }

    #[test]
    fn a_key_is_a_name_as_it_stands() {
        assert_eq!(key("q_1:a-b.C").unwrap(), "q_1:a-b.C");
        for bad in ["", " q", "a<b", "-a", &"x".repeat(141)] {
            assert!(key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_compared_without_case_and_hyphens() {
        assert!(is_called("hair-CUT", ["trim", "hair cut"]) && !is_called(" ", [""]));
    }
}
