use neoron_protocol::{JobId, SessionId, UnixMillis, id::IdError};
use proptest::prelude::*;

#[test]
fn an_id_is_a_prefix_and_26_lower_case_characters() {
    let id = SessionId::new(UnixMillis(1_767_323_045_678), [7; 10]);
    assert_eq!(id.as_str().len(), 28);
    assert!(id.as_str().starts_with("s_"));
    assert_eq!(id.as_str(), id.as_str().to_lowercase());
}

#[test]
fn an_id_holds_a_uuid_of_version_7() {
    // The 26 characters are the UUID's number in base 32.
    let id = SessionId::new(UnixMillis(0x0123_4567_89ab), [0xff; 10]);
    let number = id.as_str()[2..].bytes().fold(0_u128, |number, byte| {
        let digit = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'a' + 10 };
        number << 5 | u128::from(digit)
    });
    assert_eq!(format!("{number:032x}"), "0123456789ab7fffbfffffffffffffff");
}

#[test]
fn another_kind_length_or_alphabet_is_refused() {
    let text = SessionId::new(UnixMillis(1), [0; 10]).to_string();
    assert_eq!(JobId::parse(&text), Err(IdError::Prefix));
    assert_eq!(SessionId::parse(&text[..27]), Err(IdError::Length));
    assert_eq!(SessionId::parse(&text.to_uppercase()), Err(IdError::Prefix));
    assert_eq!(SessionId::parse(&format!("s_z{}", &text[3..])), Err(IdError::Character));
    assert_eq!(SessionId::parse(&format!("s_8{}", &text[3..])), Err(IdError::Character));
}

proptest! {
    #[test]
    fn what_was_made_can_be_read(at in 0..(1_u64 << 48), random: [u8; 10]) {
        let id = SessionId::new(UnixMillis(at), random);
        prop_assert_eq!(SessionId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn ids_sort_by_time(at in 0..(1_u64 << 47), later in 1..(1_u64 << 40), a: [u8; 10], b: [u8; 10]) {
        let (first, second) = (SessionId::new(UnixMillis(at), a), SessionId::new(UnixMillis(at + later), b));
        prop_assert!(first.as_str() < second.as_str());
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,40}") {
        if let Ok(id) = SessionId::parse(&text) {
            prop_assert_eq!(id.as_str(), text);
        }
    }
}
