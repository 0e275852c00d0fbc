#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn frame(opcode: u8, payload: usize, masked: bool) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    let mask = if masked { 0x80 } else { 0 };
    match payload {
        0..=125 => bytes.push(mask | payload as u8),
        126..=65_535 => {
            bytes.push(mask | 126);
            bytes.extend_from_slice(&(payload as u16).to_be_bytes());
        }
        _ => {
            bytes.push(mask | 127);
            bytes.extend_from_slice(&(payload as u64).to_be_bytes());
        }
    }
    if masked {
        bytes.extend_from_slice(&[1, 2, 3, 4]);
    }
    bytes.extend(std::iter::repeat_n(0x81, payload));
    bytes
}

#[test]
fn frames_that_break_the_rules_are_told_apart() {
    let scan = |from, bytes: &[u8]| Scanner::new(from, 1_000).take(bytes, false);
    assert_eq!(scan(From::Client, &frame(1, 5, false)), Err(Broken::Masking));
    assert_eq!(scan(From::Server, &frame(1, 5, true)), Err(Broken::Masking));
    assert_eq!(scan(From::Server, &[0xc1, 0]), Err(Broken::Reserved));
    assert_eq!(scan(From::Server, &[0x83, 0]), Err(Broken::Reserved));
    assert_eq!(scan(From::Server, &[0x09, 0]), Err(Broken::Control));
    assert_eq!(scan(From::Server, &frame(8, 200, false)), Err(Broken::Control));
    assert_eq!(scan(From::Server, &frame(1, 1_001, false)), Err(Broken::TooLong));
}

#[test]
fn a_close_frame_is_noticed_and_made() {
    let mut scanner = Scanner::new(From::Client, 1_000);
    let bytes = close(1_001, Some([9, 8, 7, 6]));
    assert_eq!(scanner.take(&bytes, false), Ok(bytes.len()));
    assert!(scanner.saw_close() && scanner.at_boundary());
    assert_eq!(close(1_012, None), [0x88, 2, 0x03, 0xf4]);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), stop in any::<bool>()) {
        let mut scanner = Scanner::new(From::Client, 100);
        if let Ok(taken) = scanner.take(&bytes, stop) {
            prop_assert!(taken <= bytes.len());
            prop_assert!(stop || taken == bytes.len());
        }
    }

    #[test]
    fn boundaries_do_not_depend_on_how_the_bytes_were_cut(
        sizes in proptest::collection::vec(prop_oneof![0_usize..130, 65_530_usize..65_540], 1..6),
        masked in any::<bool>(),
        step in 1_usize..70_000,
    ) {
        let from = if masked { From::Client } else { From::Server };
        let bytes: Vec<u8> = sizes.iter().flat_map(|size| frame(2, *size, masked)).collect();
        let mut whole = Scanner::new(from, 100_000);
        prop_assert_eq!(whole.take(&bytes, false), Ok(bytes.len()));
        prop_assert!(whole.at_boundary());
        let mut cut = Scanner::new(from, 100_000);
        for piece in bytes.chunks(step) {
            prop_assert_eq!(cut.take(piece, false), Ok(piece.len()));
        }
        prop_assert!(cut.at_boundary());
    }

    #[test]
    fn stopping_takes_exactly_the_frame_that_has_begun(
        first in 0_usize..300,
        second in 0_usize..300,
        begun in any::<prop::sample::Index>(),
    ) {
        let one = frame(1, first, false);
        let begun = begun.index(one.len());
        let mut scanner = Scanner::new(From::Server, 1_000);
        scanner.take(&one[..begun], false).unwrap();
        let rest = [&one[begun..], &frame(1, second, false)].concat();
        let expected = if begun == 0 { 0 } else { one.len() - begun };
        prop_assert_eq!(scanner.take(&rest, true), Ok(expected));
        prop_assert!(scanner.at_boundary());
    }
}
