-- One git repository, many packages: each folder that fits is one.

-- JSON: a list of patterns of folders. Null: the git repository is one package.
alter table git_repos add column folders text;
-- Of which packages a tag is a version: 'changed' or 'all'.
alter table git_repos add column folder_versions text not null default 'changed';

-- The folder that a package was last found in; null where its git repository is one package, and for an upload.
alter table packages add column folder text;
-- The folder that a version was made of, and what it held.
alter table versions add column folder text;
alter table versions add column digest text;

-- JSON: what became of each folder at this ref. Null for a git repository that is one package.
alter table job_refs add column packages text;

-- The repositories that new packages of a git repository go into.
create table git_repo_repositories (
    git_repo_id integer not null references git_repos (id),
    repository_id integer not null references repositories (id),
    primary key (git_repo_id, repository_id)
) without rowid;

-- Commits that were looked at, by the patterns that hold now.
create table looked_commits (
    git_repo_id integer not null references git_repos (id),
    "commit" text not null,
    -- RFC 3339: the commit's time.
    time text not null,
    -- The archive of the whole commit, as long as it may be needed; the sweep may have taken it.
    archive_key text,
    archive_size integer,
    primary key (git_repo_id, "commit")
) without rowid;

-- The packages that a commit holds.
create table commit_folders (
    git_repo_id integer not null references git_repos (id),
    "commit" text not null,
    -- 'packages/a', or '.' for the top.
    folder text not null,
    -- The name in its composer.json, in lower case; null when that has none that is valid.
    name text,
    digest text not null,
    -- JSON: what composer.json says that decides about versions.
    facts text not null,
    primary key (git_repo_id, "commit", folder)
) without rowid;

-- composer.json of each folder as read, once for all commits at which the folder is the same.
create table folder_manifests (
    git_repo_id integer not null references git_repos (id),
    digest text not null,
    manifest text not null,
    primary key (git_repo_id, digest)
) without rowid;

-- What becomes of each folder at each ref.
create table folder_refs (
    git_repo_id integer not null references git_repos (id),
    -- The ref, by full name.
    name text not null,
    folder text not null,
    "commit" text not null,
    package_id integer references packages (id),
    digest text not null,
    -- 'cutting' (a version whose archive is to be made), 'imported', 'kept' (a version that stays at another commit),
    -- 'skipped' or 'failed'.
    state text not null,
    version text,
    normalized text,
    is_dev integer not null default 0,
    is_default_branch integer not null default 0,
    reason text,
    primary key (git_repo_id, name, folder)
) without rowid;

create index folder_refs_by_commit on folder_refs (git_repo_id, "commit");
create index folder_refs_by_package on folder_refs (package_id, name);
