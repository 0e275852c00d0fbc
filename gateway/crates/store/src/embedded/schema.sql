-- Version 1. Instants are milliseconds since 1970, ids their text. A later version is a file of its own that changes
-- this one; a released version is never edited.

CREATE TABLE session (
    n INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: what is left of a forgotten session names nobody
    id TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    live INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL, -- the oldest event kept
    last INTEGER NOT NULL -- the newest event, 0 for none
) STRICT;
CREATE INDEX session_by_expiry ON session (expires_at);
CREATE INDEX session_live ON session (id) WHERE live = 1;

-- Apart from its session: an appended event changes the session's row, and SQLite would rewrite 50 kB of body with it.
CREATE TABLE body (
    session INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE event (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL, -- the offset
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE call (
    call TEXT NOT NULL PRIMARY KEY,
    session INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX call_by_session ON call (session);

CREATE TABLE document (
    doctype TEXT NOT NULL,
    name TEXT NOT NULL, -- in lower case
    session INTEGER NOT NULL,
    PRIMARY KEY (doctype, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_by_session ON document (session);

CREATE TABLE burnt (
    scope INTEGER NOT NULL, -- a session's n, or 0 for everybody's
    key TEXT NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
-- A session's keys go with the session.
CREATE INDEX burnt_by_expiry ON burnt (forget_at) WHERE scope = 0;

CREATE TABLE job (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    session TEXT,
    state INTEGER NOT NULL, -- 0 waiting, 1 leased, 2 dead
    due INTEGER NOT NULL, -- claimable from here on; for a dead one: when it died
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL, -- of the present lease, or of the last one
    enqueued_at INTEGER NOT NULL,
    worker TEXT,
    reason TEXT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL
) STRICT;
CREATE INDEX job_by_due ON job (state, due);

CREATE TABLE rate (
    key TEXT NOT NULL PRIMARY KEY,
    tat INTEGER NOT NULL -- the theoretical arrival time; once it is past, the row says nothing
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_by_tat ON rate (tat);

CREATE TABLE budget (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    spent INTEGER NOT NULL, -- seconds, reserved ones included
    forget_at INTEGER NOT NULL
) STRICT;
CREATE INDEX budget_by_key ON budget (key, forget_at);
CREATE INDEX budget_by_expiry ON budget (forget_at);

CREATE TABLE reservation (
    budget INTEGER NOT NULL,
    holder TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    PRIMARY KEY (budget, holder)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
    id TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    load INTEGER NOT NULL,
    capacity INTEGER NOT NULL,
    draining INTEGER NOT NULL,
    gone_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
