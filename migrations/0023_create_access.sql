-- Who may see what: people, teams, customers, collections and grants.

-- An agency's clients. The parent manages them unless they say otherwise; its packages are theirs only by grants.
alter table organisations add column parent_id integer references organisations (id);
alter table organisations add column managed_by_parent integer not null default 1;
-- Since when nobody gets anything; null when it is in force. The reason is told to whoever asks.
alter table organisations add column suspended_at integer;
alter table organisations add column suspended_for text;
-- Whom to ask, as people whose access ends are told.
alter table organisations add column contact text;

create index organisations_by_parent on organisations (parent_id);

create table accounts (
    id text primary key,
    -- In lower case.
    email text not null unique,
    name text not null,
    created_at integer not null
);

create table members (
    organisation_id integer not null references organisations (id),
    account_id text not null references accounts (id),
    -- 'owner', 'admin', 'maintainer', 'member' or 'auditor'.
    role text not null,
    suspended_at integer,
    created_at integer not null,
    -- When what the person may see last changed, by role, team or grant.
    grant_changed_at integer not null,
    primary key (organisation_id, account_id)
) without rowid;

create index members_by_account on members (account_id);

create table teams (
    id text primary key,
    organisation_id integer not null references organisations (id),
    name text not null,
    description text,
    created_at integer not null,
    unique (organisation_id, name)
);

create table team_members (
    team_id text not null references teams (id),
    account_id text not null references accounts (id),
    primary key (team_id, account_id)
) without rowid;

create index team_members_by_account on team_members (account_id);

create table customers (
    id text primary key,
    organisation_id integer not null references organisations (id),
    name text not null,
    email text,
    -- What the shop calls it.
    external_id text,
    -- 'active', 'suspended' or 'frozen'; expired is who is past `expires_at`.
    state text not null default 'active',
    -- Why it is suspended, told to the customer.
    state_reason text,
    -- What there was at this moment it keeps, and sees nothing newer.
    frozen_at integer,
    expires_at integer,
    notes text,
    created_at integer not null,
    changed_at integer not null,
    -- When what it may see last changed.
    grant_changed_at integer not null,
    unique (organisation_id, external_id)
);

create index customers_by_organisation on customers (organisation_id, name, id);

-- Named sets of packages.
create table collections (
    id text primary key,
    organisation_id integer not null references organisations (id),
    name text not null,
    description text,
    -- JSON list: packages, versions, released_until, released_after, minimum_stability, source.
    items text not null,
    created_at integer not null,
    changed_at integer not null,
    unique (organisation_id, name)
);

create table grants (
    id text primary key,
    -- Who gives.
    organisation_id integer not null references organisations (id),
    -- Who gets: 'customer:ID', 'team:ID', 'token:ID' or 'organisation:ID', the last one a sub-organisation.
    subject text not null,
    -- JSON list of names and patterns, or else a collection.
    packages text,
    collection_id text references collections (id),
    -- JSON list of slugs; null means all.
    repositories text,
    versions text,
    released_until integer,
    released_after integer,
    minimum_stability text,
    -- Whether the address of the source is shown.
    source integer not null default 1,
    expires_at integer,
    -- Whether what was released before the end stays.
    keeps integer not null default 0,
    note text,
    created_at integer not null,
    changed_at integer not null,
    check ((packages is null) <> (collection_id is null))
);

create index grants_by_subject on grants (subject);
create index grants_by_organisation on grants (organisation_id, created_at, id);
create index grants_by_collection on grants (collection_id);

-- 'machine', 'personal' or 'customer'; the owner's tokens are machines without an organisation.
alter table tokens add column kind text not null default 'machine';
alter table tokens add column account_id text references accounts (id);
alter table tokens add column customer_id text references customers (id);
-- JSON list; null: those that `access` stands for.
alter table tokens add column abilities text;
-- JSON list of networks in CIDR notation; null means any address.
alter table tokens add column networks text;
-- Whether it sees only what was granted to it.
alter table tokens add column only_granted integer not null default 0;

create index tokens_by_account on tokens (account_id);
create index tokens_by_customer on tokens (customer_id);

-- Which versions an archive was ever served for: of a branch all its states, where `versions` has the last alone.
-- Whoever does not see all versions may have the archives of those that it sees or could once see.
create table version_references (
    package_id integer not null references packages (id),
    reference text not null,
    normalized text not null,
    pretty text not null,
    published_at integer not null,
    is_default_branch integer not null,
    -- JSON: extra.branch-alias of composer.json; null when there is none.
    branch_alias text,
    primary key (package_id, reference, normalized)
) without rowid;

insert into version_references
select package_id, reference, normalized, pretty, published_at, is_default_branch,
       json_extract(manifest, '$.extra."branch-alias"')
from versions;

create trigger note_first_reference after insert on versions
BEGIN
    insert into version_references
    values (new.package_id, new.reference, new.normalized, new.pretty, new.published_at, new.is_default_branch,
            json_extract(new.manifest, '$.extra."branch-alias"'))
    on conflict do nothing;
END;

create trigger note_next_reference after update of reference, manifest, is_default_branch on versions
BEGIN
    insert into version_references
    values (new.package_id, new.reference, new.normalized, new.pretty, new.published_at, new.is_default_branch,
            json_extract(new.manifest, '$.extra."branch-alias"'))
    on conflict (package_id, reference, normalized) do update
    set is_default_branch = excluded.is_default_branch, branch_alias = excluded.branch_alias;
END;
