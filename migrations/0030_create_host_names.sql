-- Host names that organisations claim. One that is verified answers their repositories; any other answers nothing.
-- The older table `hosts` goes on saying which repository the instance's own hosts show at their root.
create table host_names (
    id text primary key,
    organisation_id integer not null references organisations (id) on delete cascade,
    -- Null: the host is the organisation's, and has each of its repositories below its slug.
    repository_id integer references repositories (id) on delete cascade,
    -- In lower case and punycode, without port and trailing dot.
    host text not null,
    -- What the TXT record has to say. It is published, so it is no secret; it is another one for each claim.
    token text not null,
    -- Whether documents carry this host.
    is_primary integer not null default 0,
    created_at integer not null,
    -- Since when it is looked for without having been found; after 14 days nobody looks any more.
    waiting_since integer not null,
    -- Since when it answers; null: it answers nothing.
    verified_at integer,
    -- When it last ceased to be verified.
    lost_at integer,
    looked_at integer,
    -- Null: it is looked for when somebody asks for it, and not otherwise.
    next_look_at integer,
    -- Of a verified one: the looks in a row that did not find the record, and when the first of them was.
    misses integer not null default 0,
    missing_since integer,
    -- What the last look has to complain of.
    trouble text,
    unique (organisation_id, host),
    check (is_primary = 0 or verified_at is not null)
);

-- A host is one organisation's at a time, whatever happens at the same moment.
create unique index host_names_verified on host_names (host) where verified_at is not null;
create unique index host_names_primary_of_repository on host_names (repository_id)
    where is_primary = 1 and repository_id is not null;
create unique index host_names_primary_of_organisation on host_names (organisation_id)
    where is_primary = 1 and repository_id is null;
create index host_names_due on host_names (next_look_at) where next_look_at is not null;
create index host_names_by_repository on host_names (repository_id);

-- How often the published documents came to carry another address: part of the validator of packages.json, which then
-- names the host that was asked as a mirror.
alter table repositories add column address_changes integer not null default 0;

create trigger audit_host_names_insert after insert on host_names
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'host.claimed',
            'host', new.id, new.host,
            null,
            json_object('host', new.host, 'repository',
                (select slug from repositories where id = new.repository_id)));
END;

create trigger audit_host_names_update after update of verified_at, is_primary on host_names
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id,
            iif((new.verified_at is null) = (old.verified_at is null), 'host.updated',
                iif(new.verified_at is null, 'host.lost', 'host.verified')),
            'host', new.id, new.host,
            json_object('verified', json(iif(old.verified_at is null, 'false', 'true')),
                'primary', json(iif(old.is_primary, 'true', 'false')),
                'trouble', iif(new.verified_at is null, old.trouble, null)),
            json_object('verified', json(iif(new.verified_at is null, 'false', 'true')),
                'primary', json(iif(new.is_primary, 'true', 'false')),
                'trouble', iif(new.verified_at is null, new.trouble, null)));
END;

create trigger audit_host_names_delete after delete on host_names
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'host.removed',
            'host', old.id, old.host,
            json_object('host', old.host, 'verified', json(iif(old.verified_at is null, 'false', 'true'))),
            null);
END;
