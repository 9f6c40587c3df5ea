-- Every blob that some revision reaches. Written in the statement batch that flips the head.
create table published_blobs (
    hash text primary key
) without rowid;

-- Blobs the sweep is about to delete. A publish that built on one of them loses its race and writes it again,
-- so a head can never name a blob that the sweep takes away.
create table doomed_blobs (
    hash text primary key,
    doomed_at integer not null
) without rowid;

-- How far each sweep has come through its part of the blob store.
create table sweeps (
    prefix text primary key,
    cursor text,
    finished_at integer
) without rowid;
