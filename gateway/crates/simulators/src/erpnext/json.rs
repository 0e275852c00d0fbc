//! JSON as Python writes it: every character outside printable ASCII as
//! `\uXXXX`, and either `", "`/`": "` (the default of `json.dumps`, used by
//! webhooks and messages) or no spaces (used by API answers).
//!
//! Signatures are made over these bytes, so the form matters. This module
//! only writes; it never reads JSON.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

struct Python {
    spaced: bool,
}

impl Python {
    fn separate<W: ?Sized + io::Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        match (first, self.spaced) {
            (true, _) => Ok(()),
            (false, true) => writer.write_all(b", "),
            (false, false) => writer.write_all(b","),
        }
    }
}

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.separate(w, first)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        self.separate(w, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(if self.spaced { b": " } else { b":" })
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, w: &mut W, text: &str) -> io::Result<()> {
        let mut units = [0_u16; 2];
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            if (' '..='~').contains(&c) {
                continue;
            }
            w.write_all(&text.as_bytes()[plain..at])?;
            plain = at + c.len_utf8();
            for unit in c.encode_utf16(&mut units) {
                write!(w, "\\u{unit:04x}")?;
            }
        }
        w.write_all(&text.as_bytes()[plain..])
    }
}

fn write<T: Serialize>(value: &T, spaced: bool) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Python { spaced });
    value.serialize(&mut serializer).expect("only values with text keys come here, and memory does not refuse a write");
    String::from_utf8(bytes).expect("the formatter writes ASCII only")
}

/// Like `json.dumps(value)`.
pub(super) fn dumps<T: Serialize>(value: &T) -> String {
    write(value, true)
}

/// Like `json.dumps(value, separators=(",", ":"))`.
pub(super) fn dumps_compact<T: Serialize>(value: &T) -> String {
    write(value, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn any_text_becomes_ascii_and_reads_back(text in any::<String>()) {
            let written = dumps(&text);
            prop_assert!(written.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<Value>(&written).ok(), Some(Value::from(text)));
        }
    }

    #[test]
    fn texts_are_escaped_as_python_does() {
        let value = json!(["caf\u{e9} \u{1f355}\u{7f}\n\"", {"a": 1, "b": [null, 9.5]}, []]);
        let spaced = r#"["caf\u00e9 \ud83c\udf55\u007f\n\"", {"a": 1, "b": [null, 9.5]}, []]"#;
        assert_eq!(dumps(&value), spaced);
        assert_eq!(dumps_compact(&json!({"a": 1, "b": [1, 2]})), r#"{"a":1,"b":[1,2]}"#);
    }
}
