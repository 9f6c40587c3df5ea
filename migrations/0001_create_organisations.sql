-- Who owns what: an instance has organisations, an organisation has repositories.
create table organisations (
    id integer primary key,
    slug text not null unique,
    name text not null,
    created_at integer not null
);

create table repositories (
    id integer primary key,
    organisation_id integer not null references organisations (id),
    slug text not null,
    is_public integer not null default 0,
    -- The head: the one thing of a repository that changes. Revision 0 with no root is the empty repository.
    head_revision integer not null default 0,
    head_root text,
    head_time integer not null default 0,
    -- The address that the published documents carry in their dist URLs; another one means: publish all again.
    published_address text,
    created_at integer not null,
    unique (organisation_id, slug)
);

-- Append-only: every root a repository ever had.
create table revisions (
    repository_id integer not null references repositories (id),
    number integer not null,
    root text not null,
    time integer not null,
    cause text not null,
    primary key (repository_id, number)
) without rowid;

create index revisions_by_time on revisions (repository_id, time);

-- A host name of one's own maps to a repository. `*` is the host nobody else claimed: the instance's own.
create table hosts (
    host text primary key,
    repository_id integer not null references repositories (id)
) without rowid;
