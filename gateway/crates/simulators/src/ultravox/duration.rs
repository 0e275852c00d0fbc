//! Durations as Ultravox spells them: seconds with up to nine decimals and the letter `s`, for example `"2.5s"`.
//!
//! Never rounds: what it cannot represent exactly it refuses.

use std::time::Duration;

/// Reads a duration. `None` for anything outside `^-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?s$`, and for a negative
/// one, which no field of a call can use.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || whole.len() > 12 || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(fraction) if digits(fraction) && fraction.len() <= 9 => format!("{fraction:0<9}").parse().ok()?,
        Some(_) => return None,
    };
    Some(Duration::new(whole.parse().ok()?, nanos))
}

/// Writes a duration the way the API answers it: no more decimals than it needs.
pub(super) fn format(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        return format!("{}s", duration.as_secs());
    }
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    format!("{}s", text.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_spellings_are_read() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("2.5s"), Some(Duration::from_millis(2500)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        assert_eq!(parse("0.000000001s"), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["", "s", "30", "030s", ".5s", "5.s", "-1s", "+1s", "1 s", "1ms", "1.0000000001s", "1234567890123s"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in 0_u64..999_999_999_999, nanos in 0_u32..1_000_000_000) {
            let duration = Duration::new(seconds, nanos);
            prop_assert_eq!(parse(&format(duration)), Some(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,24}") {
            let _ = parse(&text);
        }
    }
}
