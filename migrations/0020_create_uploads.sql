-- How an archive is packed: 'zip', 'tar', 'tar.gz' or 'tar.bz2'. Its address ends so.
alter table dists add column format text not null default 'zip';

-- Where the source of an uploaded version is, as who uploaded it says. JSON: type, url, reference.
alter table versions add column source text;

-- Uploads that come in parts.
create table uploads (
    id text primary key,
    repository_id integer not null references repositories (id),
    name text not null,
    -- As asked for; null: composer.json says it.
    version text,
    size integer not null,
    part_size integer not null,
    -- What the whole is to have, where its sender knows it.
    sha256 text,
    archive_key text not null,
    -- The blob store's own name for the upload.
    multipart_id text not null,
    -- 'open', 'checking', 'done' or 'failed'.
    state text not null,
    -- Why it failed, in words for a person.
    message text,
    -- JSON: what who completed it was answered.
    answer text,
    created_at integer not null,
    -- When somebody last did something about it.
    touched_at integer not null
);

create index uploads_by_time on uploads (state, touched_at);
create index uploads_by_repository on uploads (repository_id, state);

create table upload_parts (
    upload_id text not null references uploads (id),
    number integer not null,
    etag text not null,
    primary key (upload_id, number)
) without rowid;

-- Versions that a person wrote down. A package has these or those of `versions`, never both.
create table defined_versions (
    id integer primary key,
    package_id integer not null references packages (id),
    pretty text not null,
    normalized text not null,
    is_dev integer not null,
    -- The definition as it was given, key order kept.
    definition text not null,
    -- The archive's reference in `dists`, where the archive is here and not elsewhere.
    reference text,
    time text not null,
    published_at integer not null,
    -- Set when it is in the definition no more: it leaves the metadata.
    removed_at integer,
    unique (package_id, normalized)
);
