-- Accounts at git hosts. Secrets are sealed (AES-256-GCM); the key is a Worker secret.
create table connections (
    id text primary key,
    organisation_id integer not null references organisations (id),
    provider text not null,
    base_url text not null,
    account text not null,
    sealed_token text not null,
    sealed_webhook_secret text not null,
    created_at integer not null,
    last_heard_at integer,
    -- Until when the host asked to be left alone; a time that has passed means nothing.
    paused_until integer,
    -- Why the last call failed, in words for a person; null when it worked.
    trouble text
);

create index connections_by_organisation on connections (organisation_id);

-- One git repository at a host, known by the host's own immutable id.
create table git_repos (
    id integer primary key,
    organisation_id integer not null references organisations (id),
    connection_id text not null references connections (id),
    provider_id text not null,
    full_name text not null,
    default_branch text not null,
    web_url text not null,
    clone_url text not null,
    is_archived integer not null default 0,
    last_heard_at integer,
    created_at integer not null,
    last_reconciled_at integer,
    unique (connection_id, provider_id)
);

create table packages (
    id integer primary key,
    organisation_id integer not null references organisations (id),
    name text not null,
    -- Null for a package that is uploaded.
    git_repo_id integer references git_repos (id),
    description text,
    created_at integer not null,
    unique (organisation_id, name)
);

create index packages_by_git_repo on packages (git_repo_id);

create table repository_packages (
    repository_id integer not null references repositories (id),
    package_id integer not null references packages (id),
    primary key (repository_id, package_id)
) without rowid;

create index repository_packages_by_package on repository_packages (package_id);

-- Stored archives. Insert-once: (package, reference) never points to other bytes.
create table dists (
    id integer primary key,
    package_id integer not null references packages (id),
    -- What `dist.reference` says: a commit, or the SHA-256 of an uploaded archive.
    reference text not null,
    archive_key text not null unique,
    size integer not null,
    sha1 text not null,
    sha256 text not null,
    created_at integer not null,
    unique (package_id, reference)
);

-- A version is insert-once: (package, normalized) -> reference. Only dev versions follow their branch.
create table versions (
    id integer primary key,
    package_id integer not null references packages (id),
    pretty text not null,
    normalized text not null,
    is_dev integer not null,
    reference text not null,
    dist_id integer not null references dists (id),
    -- The git ref it was made of, by full name; null for an upload.
    git_ref text,
    -- composer.json as read, key order kept.
    manifest text not null,
    -- RFC 3339: the commit's time, or the upload's.
    time text not null,
    -- When this registry first made it installable; for a dev version, when its reference last moved.
    published_at integer not null,
    is_default_branch integer not null default 0,
    -- Set when its tag or branch is gone: it leaves the metadata, the archive stays.
    removed_at integer,
    unique (package_id, normalized)
);

-- What each git ref was last seen at, and what became of it.
create table git_refs (
    git_repo_id integer not null references git_repos (id),
    -- Full name: refs/tags/v1.0.0, refs/heads/main.
    name text not null,
    "commit" text not null,
    -- 'imported', 'skipped' or 'failed'.
    state text not null,
    version text,
    reason text,
    seen_at integer not null,
    primary key (git_repo_id, name)
) without rowid;

-- Listing pages of a git host with their entity tags, for conditional requests.
create table ref_pages (
    git_repo_id integer not null references git_repos (id),
    url text not null,
    -- JSON: its entity tag, its refs, and the next page's URL.
    content text not null,
    primary key (git_repo_id, url)
) without rowid;

-- Packages whose documents must be built again. `sequence` moves with every change,
-- so that a publish only ticks off what it has really read.
create table pending_publications (
    repository_id integer not null references repositories (id),
    package_id integer not null references packages (id),
    sequence integer not null,
    asked_at integer not null,
    primary key (repository_id, package_id)
) without rowid;
