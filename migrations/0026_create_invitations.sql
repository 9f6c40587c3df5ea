-- Who was asked in, by whom a token was replaced, and when it was last used.

create table invitations (
    id text primary key,
    organisation_id integer not null references organisations (id),
    -- In lower case.
    email text not null,
    role text not null,
    -- JSON list of ids of teams.
    teams text not null,
    -- The SHA-256 of the secret in the link.
    hash text not null unique,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer,
    accepted_at integer,
    -- The account that came of it, and the token that it was shown.
    account_id text references accounts (id),
    token_id text references tokens (id)
);

create index invitations_by_organisation on invitations (organisation_id, created_at, id);

-- What somebody is called here; what she is called elsewhere is none of this organisation's business.
alter table members add column name text;

-- The token that a rotation made in its place.
alter table tokens add column replaced_by text references tokens (id);
-- Told by the queue some minutes late: nothing is written while an answer waits.
alter table tokens add column last_used_at integer;
alter table tokens add column last_used_address text;
alter table tokens add column last_used_client text;
