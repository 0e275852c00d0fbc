//! The little that has to be read and rewritten in a WebAssembly file. It checks no code: the browser does.

const CUSTOM: u8 = 0;
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const FUNCTION: u8 = 0;
const TABLE: u8 = 1;
/// Magic number and version.
const HEAD: usize = 8;

/// The exported tables: name and number. Empty for anything that cannot be read.
pub(super) fn exported_tables(wasm: &[u8]) -> Vec<(String, usize)> {
    sections(wasm)
        .unwrap_or_default()
        .into_iter()
        .find(|(id, _)| *id == EXPORTS)
        .and_then(|(_, content)| tables_of(content))
        .unwrap_or_default()
}

fn tables_of(mut content: &[u8]) -> Option<Vec<(String, usize)>> {
    let mut tables = Vec::new();
    for _ in 0..number(&mut content)? {
        let name = text(&mut content)?;
        let kind = byte(&mut content)?;
        let index = number(&mut content)?;
        if kind == TABLE {
            tables.push((name, index));
        }
    }
    Some(tables)
}

/// A file whose imports have short names.
pub(super) struct Shortened {
    /// The new file.
    pub(super) file: Vec<u8>,
    /// Each changed name, long and short.
    pub(super) names: Vec<(String, String)>,
}

/// Gives every imported function that the generator named a short name, and drops the custom sections, which no browser
/// reads. The generator's names end in a hash of 16 characters, in the file and in the script: 4 kB gzipped of the
/// popup. `None` if the file cannot be read.
pub(super) fn shorten_imports(wasm: &[u8]) -> Option<Shortened> {
    let mut file = wasm.get(..HEAD)?.to_vec();
    let mut names = Vec::new();
    for (id, content) in sections(wasm)? {
        match id {
            CUSTOM => {}
            IMPORTS => append(&mut file, id, &shortened(content, &mut names)?),
            _ => append(&mut file, id, content),
        }
    }
    Some(Shortened { file, names })
}

fn shortened(mut content: &[u8], names: &mut Vec<(String, String)>) -> Option<Vec<u8>> {
    let count = number(&mut content)?;
    let mut section = Vec::new();
    put(&mut section, count);
    for at in 0..count {
        let (module, name) = (text(&mut content)?, text(&mut content)?);
        let kind = byte(&mut content)?;
        // The popup imports functions only; anything else would have to be understood first.
        if kind != FUNCTION {
            return None;
        }
        let index = number(&mut content)?;
        let new = if name.starts_with("__wb") { format!("_{at}") } else { name.clone() };
        for text in [&module, &new] {
            put(&mut section, text.len());
            section.extend_from_slice(text.as_bytes());
        }
        section.push(kind);
        put(&mut section, index);
        if new != name {
            names.push((name, new));
        }
    }
    Some(section)
}

fn append(file: &mut Vec<u8>, id: u8, content: &[u8]) {
    file.push(id);
    put(file, content.len());
    file.extend_from_slice(content);
}

/// All sections: number and content.
fn sections(wasm: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut rest = wasm.get(HEAD..)?;
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let id = byte(&mut rest)?;
        let length = number(&mut rest)?;
        let (content, after) = rest.split_at_checked(length)?;
        rest = after;
        sections.push((id, content));
    }
    Some(sections)
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    let length = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(text.to_vec()).ok()
}

/// Takes a LEB128 number off the front.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for shift in (0..35).step_by(7) {
        let part = byte(bytes)?;
        value |= usize::from(part & 0x7f) << shift;
        if part & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Appends a LEB128 number.
fn put(bytes: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::{exported_tables, number, put, shorten_imports};

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn the_number_of_an_exported_table_is_read() {
        let exports = [7, 9, 2, 1, b'm', 2, 0, 1, b't', 1, 3];
        let file = [HEAD, &[1, 1, 0], &exports].concat();
        assert_eq!(exported_tables(&file), [(String::from("t"), 3)]);
        assert_eq!(exported_tables(&file[..14]), []);
    }

    #[test]
    fn a_generated_import_gets_a_short_name_and_a_custom_section_goes() {
        let imports = [&[2, 13, 1, 1, b'm', 7][..], b"__wbg_x", &[0, 5]].concat();
        let custom = [0, 3, 1, b'n', 9];
        let file = [HEAD, &custom, &imports, &[10, 1, 0]].concat();
        let short = shorten_imports(&file).expect("a file");
        assert_eq!(short.file, [HEAD, &[2, 8, 1, 1, b'm', 2, b'_', b'0', 0, 5], &[10, 1, 0]].concat());
        assert_eq!(short.names, [(String::from("__wbg_x"), String::from("_0"))]);
    }

    #[test]
    fn a_number_survives_writing_and_reading() {
        for value in [0, 127, 128, 300, 1 << 20] {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            assert_eq!(number(&mut &bytes[..]), Some(value));
        }
    }
}
