-- What a person sees of the queue.
create table jobs (
    id text primary key,
    organisation_id integer not null references organisations (id),
    -- 'sync'.
    kind text not null,
    git_repo_id integer references git_repos (id),
    package_id integer references packages (id),
    -- 'queued', 'running', 'publishing', 'done', 'failed', 'cancelled'.
    state text not null,
    -- What started it: 'import', 'by hand', 'webhook …', 'schedule'.
    cause text not null,
    -- What a person should know: why it waits, or why it failed.
    message text,
    -- Refs that are as they were: counted, not listed.
    unchanged integer not null default 0,
    created_at integer not null,
    started_at integer,
    finished_at integer
);

create index jobs_by_organisation on jobs (organisation_id, created_at desc, id);
create index jobs_by_end on jobs (finished_at);
create index jobs_by_git_repo on jobs (git_repo_id, state);
create index jobs_by_package on jobs (package_id, state);

-- The refs a job is about.
create table job_refs (
    job_id text not null references jobs (id),
    name text not null,
    "commit" text not null,
    -- 'waiting', 'imported', 'skipped', 'failed', 'removed'.
    state text not null,
    version text,
    reason text,
    attempts integer not null default 0,
    -- A tag that reads as the same version and comes first; this one only counts if that one gives none.
    yields_to text,
    primary key (job_id, name)
) without rowid;

create index job_refs_by_commit on job_refs (job_id, "commit");
create index job_refs_that_yield on job_refs (job_id) where yields_to is not null;

-- Webhook calls. The provider's id is unique per connection, so a replay is harmless.
create table deliveries (
    id integer primary key,
    connection_id text not null references connections (id),
    provider_delivery_id text not null,
    event text not null,
    project text,
    -- 'accepted', 'ignored'.
    verdict text not null,
    detail text not null,
    job_id text,
    received_at integer not null,
    unique (connection_id, provider_delivery_id)
);

create index deliveries_by_connection on deliveries (connection_id, received_at desc);

-- Messages the queue gave up on, kept for a person to retry or drop.
create table dead_letters (
    -- Never used twice: somebody may still look at a list that names one that is gone.
    id integer primary key autoincrement,
    organisation_id integer,
    message text not null,
    reason text not null,
    received_at integer not null
);

