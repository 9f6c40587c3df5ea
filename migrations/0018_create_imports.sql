-- Many projects of a connection taken in at once.
create table imports (
    id text primary key,
    organisation_id integer not null references organisations (id),
    connection_id text not null references connections (id),
    repository_id integer not null references repositories (id),
    -- JSON list; null where the projects were named.
    patterns text,
    -- Whether archived projects that the patterns mean are taken in too.
    with_archived integer not null,
    -- 'listing', 'adding', 'done', 'failed', 'cancelled'.
    state text not null,
    -- What the next page of the host's list is asked with.
    cursor text,
    -- Pages that were read: who reads one at the same time as another loses.
    pages integer not null default 0,
    -- Why it failed, or what it waits for.
    message text,
    -- Unix second after which housekeeping sends for it: its message was lost.
    due_at integer not null,
    created_at integer not null,
    finished_at integer
);
create index imports_by_organisation on imports (organisation_id, created_at);
create index imports_by_due on imports (due_at) where state in ('listing', 'adding');

create table import_projects (
    import_id text not null references imports (id),
    -- The host's id, or the name it was asked for by.
    project text not null,
    full_name text not null,
    -- 'waiting', 'added', 'known', 'skipped', 'refused', 'cancelled'.
    state text not null,
    reason text,
    package_id integer references packages (id),
    -- The job that takes in its refs.
    job_id text,
    primary key (import_id, project)
) without rowid;
create index import_projects_waiting on import_projects (import_id) where state = 'waiting';

-- Unix second of the last comparison by the host's API; git alone tells of refs, and of nothing else.
alter table git_repos add column listed_at integer;
-- Unix second at which git refused the connection's credentials, which its host's API takes.
alter table connections add column git_refused_at integer;
