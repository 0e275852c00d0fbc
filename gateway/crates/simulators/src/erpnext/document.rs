//! The life of a document: create, read, update, delete, in Frappe's order
//! of checks, because the order decides which of two errors a client sees.
//!
//! A stored document is the JSON object that a read answers with: fields
//! without a value are absent, never null.

use serde_json::{Map, Value};

use super::{
    check,
    doctype::{DocType, Kind, Naming, Preset, Right},
    failure::{
        BAD_NAME, CONSTANT, DOES_NOT_EXIST, DUPLICATE, Failure, Outcome, TIMESTAMP_MISMATCH, UNIQUE_VALIDATION,
        VALIDATION,
    },
    permission::{self, Actor},
    site::{Announcement, Site},
    table::Clash,
};

/// A document, or a row of one.
pub(super) type Document = Map<String, Value>;

/// The text of a field; an empty one counts as none.
pub(super) fn text_of<'a>(document: &'a Document, field: &str) -> Option<&'a str> {
    document.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Creates a document and returns it as the answer shows it.
pub(super) fn create(site: &mut Site, actor: &Actor, doctype: &'static DocType, input: &Document) -> Outcome<Document> {
    let mut draft = check::pick(doctype, input)?;
    set_defaults(site, doctype, &mut draft);
    check::links(site, doctype, &mut draft)?;
    permission::require(actor, doctype, Right::Create)?;
    if let Some(rule) = doctype.rules.before_insert {
        rule(site, &mut draft)?;
    }
    let name = new_name(site, doctype, &mut draft)?;
    permission::reset_hidden(actor, doctype, None, &mut draft);
    if let Some(rule) = doctype.rules.validate {
        rule(&mut draft)?;
    }
    check::settle(doctype, &name, &mut draft)?;
    let stamp = site.clock.stamp();
    identify(&mut draft, doctype, &name, &actor.email, &stamp);
    number_rows(site, doctype, None, &mut draft);
    site.insert(doctype, &name, draft.clone())?.map_err(|clash| clashed(doctype, &name, &draft, &clash))?;
    if let Some(rule) = doctype.rules.after_change {
        rule(site, None, Some(&draft));
    }
    mark_new_rows(doctype, None, &mut draft);
    Ok(draft)
}

/// Reads a document.
pub(super) fn read(site: &Site, actor: &Actor, doctype: &'static DocType, name: &str) -> Outcome<Document> {
    let mut document = find(site, doctype, name)?.clone();
    permission::require(actor, doctype, Right::Read)?;
    permission::veil(actor, doctype, &mut document);
    Ok(document)
}

/// Changes the fields that `input` names and returns the document.
pub(super) fn update(
    site: &mut Site,
    actor: &Actor,
    doctype: &'static DocType,
    name: &str,
    input: &Document,
) -> Outcome<Document> {
    let old = find(site, doctype, name)?.clone();
    let name = text_of(&old, "name").unwrap_or(name).to_owned();
    let mut draft = old.clone();
    check::merge(doctype, input, &mut draft)?;
    permission::require(actor, doctype, Right::Write)?;
    check_modified(&old, input)?;
    permission::reset_hidden(actor, doctype, Some(&old), &mut draft);
    if let Some(field) = doctype.name_field() {
        draft.insert(field.into(), name.as_str().into());
    }
    check_constants(doctype, &old, &draft)?;
    check::links(site, doctype, &mut draft)?;
    check_life(doctype, &old, &draft)?;
    if let Some(rule) = doctype.rules.validate {
        rule(&mut draft)?;
    }
    check::settle(doctype, &name, &mut draft)?;
    let stamp = site.clock.stamp();
    draft.insert("modified".into(), stamp.as_str().into());
    draft.insert("modified_by".into(), actor.email.as_str().into());
    number_rows(site, doctype, Some(&old), &mut draft);
    site.replace(doctype, &name, draft.clone())?.map_err(|clash| clashed(doctype, &name, &draft, &clash))?;
    if let Some(rule) = doctype.rules.after_change {
        rule(site, Some(&old), Some(&draft));
    }
    let announced = doctype.life.as_ref().is_some_and(|life| life.announced);
    if announced && old.get("status") != draft.get("status") {
        site.announce(Announcement { doctype: doctype.name, document: draft.clone() });
    }
    mark_new_rows(doctype, Some(&old), &mut draft);
    Ok(draft)
}

/// Deletes a document.
pub(super) fn delete(site: &mut Site, actor: &Actor, doctype: &'static DocType, name: &str) -> Outcome<()> {
    let name = text_of(find(site, doctype, name)?, "name").unwrap_or(name).to_owned();
    permission::require_delete(actor, doctype, &name)?;
    if let Some(old) = site.remove(doctype, &name)
        && let Some(rule) = doctype.rules.after_change
    {
        rule(site, Some(&old), None);
    }
    Ok(())
}

fn find<'a>(site: &'a Site, doctype: &DocType, name: &str) -> Outcome<&'a Document> {
    site.table(doctype)
        .get(name)
        .ok_or_else(|| Failure::thrown(DOES_NOT_EXIST, format!("{} {name} not found", doctype.name)))
}

fn set_defaults(site: &Site, doctype: &DocType, draft: &mut Document) {
    for field in doctype.fields {
        let value = match field.default {
            Preset::None => continue,
            Preset::Text(text) => Value::from(text),
            Preset::Number(number) => Value::from(number),
            Preset::Today => Value::from(site.clock.today().to_string()),
        };
        draft.entry(field.name).or_insert(value);
    }
}

fn new_name(site: &mut Site, doctype: &DocType, draft: &mut Document) -> Outcome<String> {
    let Naming::Field(field) = doctype.naming else {
        return Ok(site.hash_name());
    };
    let name = text_of(draft, field).unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(Failure::thrown(VALIDATION, format!("No Name Specified for {}", doctype.name)));
    }
    if name.contains(['<', '>']) {
        return Err(Failure::thrown(BAD_NAME, "Name cannot contain special characters like '<', '>'"));
    }
    if name == doctype.name {
        return Err(Failure::thrown(BAD_NAME, format!("Name of {} cannot be {name}", doctype.name)));
    }
    draft.insert(field.into(), name.as_str().into());
    Ok(name)
}

fn identify(draft: &mut Document, doctype: &DocType, name: &str, owner: &str, stamp: &str) {
    for (key, value) in [
        ("name", name),
        ("owner", owner),
        ("creation", stamp),
        ("modified", stamp),
        ("modified_by", owner),
        ("doctype", doctype.name),
    ] {
        draft.insert(key.into(), value.into());
    }
    draft.insert("docstatus".into(), 0.into());
    draft.insert("idx".into(), 0.into());
}

/// The row of this name in the document's old state.
fn old_row<'a>(old: Option<&'a Document>, table: &str, row: &Document) -> Option<&'a Document> {
    let name = text_of(row, "name")?;
    let rows = old?.get(table)?.as_array()?;
    rows.iter().filter_map(Value::as_object).find(|row| text_of(row, "name") == Some(name))
}

/// Gives every row its identity, its number and its parent. A row that was
/// there keeps its name, owner and creation.
fn number_rows(site: &mut Site, doctype: &DocType, old: Option<&Document>, draft: &mut Document) {
    let [stamp, editor, parent] =
        ["modified", "modified_by", "name"].map(|key| draft.get(key).cloned().unwrap_or_default());
    for field in doctype.fields {
        let Kind::Table(child) = field.kind else { continue };
        let Some(rows) = draft.get_mut(field.name).and_then(Value::as_array_mut) else { continue };
        for (at, row) in rows.iter_mut().filter_map(Value::as_object_mut).enumerate() {
            let kept = old_row(old, field.name, row);
            let from_kept = |key: &str| kept.and_then(|row| row.get(key)).cloned();
            let name = from_kept("name").unwrap_or_else(|| site.hash_name().into());
            for (key, value) in [
                ("name", name),
                ("owner", from_kept("owner").unwrap_or_else(|| editor.clone())),
                ("creation", from_kept("creation").unwrap_or_else(|| stamp.clone())),
                ("modified", stamp.clone()),
                ("modified_by", editor.clone()),
                ("docstatus", 0.into()),
                ("idx", (at + 1).into()),
                ("parent", parent.clone()),
                ("parentfield", field.name.into()),
                ("parenttype", doctype.name.into()),
                ("doctype", child.name.into()),
            ] {
                row.insert(key.into(), value);
            }
        }
    }
}

/// The answer to the request that made a row shows it as unsaved.
fn mark_new_rows(doctype: &DocType, old: Option<&Document>, answer: &mut Document) {
    for field in doctype.fields.iter().filter(|field| matches!(field.kind, Kind::Table(_))) {
        let Some(rows) = answer.get_mut(field.name).and_then(Value::as_array_mut) else { continue };
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            if old_row(old, field.name, row).is_none() {
                row.insert("__unsaved".into(), 1.into());
            }
        }
    }
}

/// The optional optimistic lock: a `modified` sent along must be the stored one.
fn check_modified(old: &Document, input: &Document) -> Outcome<()> {
    let (Some(sent), Some(stored)) = (text_of(input, "modified"), text_of(old, "modified")) else {
        return Ok(());
    };
    if sent == stored {
        return Ok(());
    }
    let text = format!(
        "Error: Document has been modified after you have opened it ({stored}, {sent}). \
         Please refresh to get the latest document."
    );
    Err(Failure::thrown(TIMESTAMP_MISMATCH, text))
}

fn check_constants(doctype: &DocType, old: &Document, draft: &Document) -> Outcome<()> {
    for field in doctype.fields.iter().filter(|field| field.constant) {
        if old.contains_key(field.name) && old.get(field.name) != draft.get(field.name) {
            let text = format!("Value cannot be changed for {}", field.label);
            return Err(Failure::thrown(CONSTANT, text));
        }
    }
    Ok(())
}

fn check_life(doctype: &DocType, old: &Document, draft: &Document) -> Outcome<()> {
    let Some(life) = &doctype.life else { return Ok(()) };
    let (Some(was), Some(wanted)) = (text_of(old, "status"), text_of(draft, "status")) else {
        return Ok(());
    };
    if was == wanted || !life.last.contains(&was) {
        return Ok(());
    }
    let say = format!("A {was} {} cannot become {wanted}.", life.noun);
    Err(Failure::said(VALIDATION, life.reason, say).in_app(life.app))
}

fn clashed(doctype: &DocType, name: &str, draft: &Document, clash: &Clash) -> Failure {
    let kind = doctype.name;
    match clash {
        Clash::Field(field) => {
            let value = text_of(draft, field).unwrap_or_default();
            let text =
                format!("('{kind}', '{name}', IntegrityError(1062, \"Duplicate entry '{value}' for key '{field}'\"))");
            let label = doctype.field(field).map_or(*field, |field| field.label);
            Failure::raised(UNIQUE_VALIDATION, text).printed(&format!("{label} must be unique"))
        }
        Clash::Name | Clash::Full => {
            let text =
                format!("('{kind}', '{name}', IntegrityError(1062, \"Duplicate entry '{name}' for key 'PRIMARY'\"))");
            let message = format!("{kind} <strong>{name}</strong> already exists");
            Failure::raised(DUPLICATE, text).titled(&message, "Duplicate Name")
        }
    }
}
