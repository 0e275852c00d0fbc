-- The second step: counted leases, waiting rooms, counters, and jobs that run one after another.
-- A job's state may now also be 3, behind another one of its lane; `due` then counts from its turn on.
ALTER TABLE job ADD COLUMN lost INTEGER NOT NULL DEFAULT 0; -- leases that ran out and were taken over
ALTER TABLE job ADD COLUMN lane TEXT;
ALTER TABLE job ADD COLUMN turn INTEGER; -- the order within the lane
CREATE INDEX job_in_lane ON job (session, lane, turn) WHERE lane IS NOT NULL AND state <> 2;
CREATE INDEX job_by_kind ON job (kind) WHERE state <> 2;

CREATE TABLE seat (
    scope TEXT NOT NULL,
    holder TEXT NOT NULL,
    free_at INTEGER NOT NULL,
    PRIMARY KEY (scope, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX seat_by_end ON seat (free_at);

CREATE TABLE waiting (
    n INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of joining
    room TEXT NOT NULL,
    holder TEXT NOT NULL,
    gone_at INTEGER NOT NULL, -- unless the holder asks before
    since INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (room, holder)
) STRICT;
CREATE INDEX waiting_in_order ON waiting (room, n);
CREATE INDEX waiting_by_end ON waiting (gone_at);

CREATE TABLE tally (
    day INTEGER NOT NULL, -- since 1970
    name TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (day, name)
) STRICT, WITHOUT ROWID;
