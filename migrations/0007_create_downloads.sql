-- How often each version was installed, by day in UTC, as Composer reports it.
create table downloads (
    package_id integer not null references packages (id),
    -- Normalized.
    version text not null,
    day text not null,
    count integer not null,
    primary key (package_id, version, day)
) without rowid;

-- Reports that were counted: the queue may deliver one twice.
create table download_reports (
    id text primary key,
    counted_at integer not null
) without rowid;

create index download_reports_by_time on download_reports (counted_at);
