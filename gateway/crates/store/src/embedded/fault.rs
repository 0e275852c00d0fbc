//! What can go wrong inside a database step, and what its caller hears of it. No message carries a stored value.

use std::str::FromStr;

use neoron_protocol::id::IdError;
use rusqlite::{ErrorCode, Row, types::Type};

use crate::StoreError;

/// Why a step is undone.
#[derive(Debug)]
pub(super) enum Fault<E> {
    /// The database failed.
    Sql(rusqlite::Error),
    /// The step itself says no.
    Refused(E),
}

impl<E> From<rusqlite::Error> for Fault<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl<E: From<StoreError>> Fault<E> {
    /// What the caller hears.
    pub(super) fn into_answer(self) -> E {
        match self {
            Self::Sql(error) => store_error(&error).into(),
            Self::Refused(answer) => answer,
        }
    }
}

/// A database error as the store's callers know it.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(failure.to_string()),
            _ => StoreError::Unavailable(failure.to_string()),
        },
        // The rest comes from reading a column: another type, no UTF-8, not an id, no row.
        _ => StoreError::Corrupt(format!("a row of the embedded store: {}", kind_of(error))),
    }
}

/// The name of a conversion error, without the value that could not be converted.
fn kind_of(error: &rusqlite::Error) -> &'static str {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..) => "a value that is not what its column holds",
        rusqlite::Error::InvalidColumnType(..) => "a value of another type",
        rusqlite::Error::QueryReturnedNoRows => "a row that should be there is missing",
        _ => "it cannot be read",
    }
}

/// A column with a value that its text stands for: an id, an address.
pub(super) fn parsed<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// A column with an id or nothing.
pub(super) fn optional_id<T: FromStr<Err = IdError>>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    if row.get_ref(column)?.as_str_or_null()?.is_none() { Ok(None) } else { parsed(row, column).map(Some) }
}

/// A column with a count or an instant; SQLite's integers are signed, and nothing here is ever negative.
pub(super) fn whole(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|value| u64::try_from(value).unwrap_or(0))
}

/// A count or an instant as SQLite takes it: beyond 2^63 it stays at the largest, which is as good as never.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
