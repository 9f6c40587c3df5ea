-- Access credentials. Only the SHA-256 of a token is kept: 256 random bits need no slow hash.
create table tokens (
    id text primary key,
    -- Null: the instance's owner, who may do everything everywhere.
    organisation_id integer references organisations (id),
    name text not null,
    -- 'read', 'write' or 'admin'.
    access text not null,
    hash text not null unique,
    -- The first characters, for people to tell tokens apart.
    hint text not null,
    -- JSON lists; null means all of the organisation.
    repositories text,
    packages text,
    created_at integer not null,
    -- When what the token may see last changed; part of every validator it is given.
    grant_changed_at integer not null,
    expires_at integer,
    revoked_at integer
);

create index tokens_by_organisation on tokens (organisation_id, created_at);
