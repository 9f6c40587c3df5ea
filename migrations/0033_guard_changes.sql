-- What a change was asked for on the condition of. A transaction that must not be puts a row in here, which no row may be,
-- and so ends; the table stays empty. The names of the constraints are what the program knows the reason by.
create table change_guards (
    why text not null,
    -- Somebody changed something between the look at a thing and its change.
    constraint nothing_came_between check (why <> 'changed_since'),
    -- Another attempt answers the request with this idempotency key by now.
    constraint the_turn_is_ours check (why <> 'turn_lost')
);

-- Unix seconds. When the request changed something first, in the transaction of that change; from then on it is never made
-- again by this key.
alter table idempotency_keys add column changed_at integer;

-- Unix seconds. When it failed after that.
alter table idempotency_keys add column failed_at integer;

-- What uploads in parts had begun in the blob store when their repository was deleted: it is given up there, and the row
-- leaves.
create table deleted_uploads (
    multipart_id text primary key,
    archive_key text not null,
    deleted_at integer not null
) without rowid;

-- A person may change what she is called.
drop trigger audit_members_update;

create trigger audit_members_update after update of role, suspended_at, display_name on members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.suspended_at is not null and old.suspended_at is null, 'member.suspended',
                iif(new.suspended_at is null and old.suspended_at is not null, 'member.resumed', 'member.updated')),
            'member', new.account_id, (select email from accounts where id = new.account_id),
            json_object('role', old.role, 'suspended_at', old.suspended_at, 'name', old.display_name),
            json_object('role', new.role, 'suspended_at', new.suspended_at, 'name', new.display_name));
END;

-- A host name may be moved to another repository of its organisation.
drop trigger audit_host_names_update;

create trigger audit_host_names_update after update of verified_at, is_primary, repository_id on host_names
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id,
            iif((new.verified_at is null) = (old.verified_at is null), 'host.updated',
                iif(new.verified_at is null, 'host.lost', 'host.verified')),
            'host', new.id, new.host,
            json_object('verified', json(iif(old.verified_at is null, 'false', 'true')),
                'primary', json(iif(old.is_primary, 'true', 'false')),
                'repository', (select slug from repositories where id = old.repository_id),
                'trouble', iif(new.verified_at is null, old.trouble, null)),
            json_object('verified', json(iif(new.verified_at is null, 'false', 'true')),
                'primary', json(iif(new.is_primary, 'true', 'false')),
                'repository', (select slug from repositories where id = new.repository_id),
                'trouble', iif(new.verified_at is null, new.trouble, null)));
END;
