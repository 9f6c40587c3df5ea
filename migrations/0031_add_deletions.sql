-- Packages, repositories, connections and organisations that a person deletes, and secrets of webhooks that are replaced.

-- A deleted package keeps its row until nothing names it any more: its name is free at once (the row's own becomes one that
-- no package can have), and this is what it was called.
alter table packages add column deleted_name text;
alter table packages add column deleted_at integer;

create index packages_by_deletion on packages (deleted_at) where deleted_at is not null;

-- Whether the number was deleted together with its package: then the same bytes may have it again by themselves.
alter table deleted_versions add column with_package integer not null default 0;
-- The definition of a version that a person wrote down.
alter table deleted_versions add column definition text;

-- The numbers under which packages that were deleted ever served something: a package of the same name that is made later
-- gives them to the same bytes alone.
create table served_versions (
    organisation_id integer not null references organisations (id),
    name text not null,
    normalized text not null,
    pretty text not null,
    reference text,
    git_ref text,
    sha256 text,
    definition text,
    -- 0 when a person had deleted the number before the package.
    with_package integer not null,
    deleted_at integer not null,
    primary key (organisation_id, name, normalized)
) without rowid;

-- Names that a git repository makes no package of by itself, since a person deleted the one it had made.
create table deleted_packages (
    git_repo_id integer not null references git_repos (id),
    name text not null,
    deleted_at integer not null,
    primary key (git_repo_id, name)
) without rowid;

create trigger deleted_packages_stay_deleted before insert on packages
when exists (select 1 from deleted_packages d where d.git_repo_id = new.git_repo_id and d.name = new.name)
BEGIN
    select raise(ignore);
END;

create trigger served_numbers_are_remembered after insert on packages
BEGIN
    insert into deleted_versions (package_id, normalized, pretty, reference, git_ref, sha256, deleted_at, with_package, definition)
    select new.id, normalized, pretty, reference, git_ref, sha256, deleted_at, with_package, definition
    from served_versions where organisation_id = new.organisation_id and name = new.name;
END;

-- A deleted package counts for no quota, though its row stays for a while; its archives do as long as they are stored.
drop trigger packages_are_counted_down;

create trigger packages_are_counted_down after delete on packages
when old.deleted_at is null
BEGIN
    update organisations set packages_used = packages_used - (id = old.organisation_id),
                             packages_below = packages_below - (id <> old.organisation_id)
    where id in (old.organisation_id, (select c.parent_id from organisations c where c.id = old.organisation_id));
END;

create trigger deleted_packages_are_counted_down after update of deleted_at on packages
when old.deleted_at is null and new.deleted_at is not null
BEGIN
    update organisations set packages_used = packages_used - (id = new.organisation_id),
                             packages_below = packages_below - (id <> new.organisation_id)
    where id in (new.organisation_id, (select c.parent_id from organisations c where c.id = new.organisation_id));
END;

-- A package that was deleted gets nothing any more, whoever was still at work on it.
create trigger deleted_packages_get_no_archive before insert on dists
when exists (select 1 from packages p where p.id = new.package_id and p.deleted_at is not null)
BEGIN
    select raise(ignore);
END;

create trigger deleted_packages_get_no_place before insert on repository_packages
when exists (select 1 from packages p where p.id = new.package_id and p.deleted_at is not null)
BEGIN
    select raise(ignore);
END;

drop trigger deleted_versions_stay_deleted;

create trigger deleted_versions_stay_deleted before insert on versions
when exists (select 1 from packages p where p.id = new.package_id and p.deleted_at is not null)
     or exists (select 1 from deleted_versions t
                where t.package_id = new.package_id and t.normalized = new.normalized
                  and not (t.with_package = 1 and t.reference is new.reference
                           and t.sha256 is (select d.sha256 from dists d where d.id = new.dist_id)))
BEGIN
    select raise(ignore);
END;

drop trigger deleted_definitions_stay_deleted;

create trigger deleted_definitions_stay_deleted before insert on defined_versions
when exists (select 1 from packages p where p.id = new.package_id and p.deleted_at is not null)
     or exists (select 1 from deleted_versions t
                where t.package_id = new.package_id and t.normalized = new.normalized
                  and not (t.with_package = 1 and t.definition is new.definition))
BEGIN
    select raise(ignore);
END;

-- With the same bytes the number is taken again.
create trigger same_bytes_are_back after insert on versions
BEGIN
    delete from deleted_versions where package_id = new.package_id and normalized = new.normalized and with_package = 1;
END;

create trigger same_definitions_are_back after insert on defined_versions
BEGIN
    delete from deleted_versions where package_id = new.package_id and normalized = new.normalized and with_package = 1;
END;

-- Of a deleted package the log says so when it is deleted, and nothing when its row leaves.
drop trigger audit_packages_update;

create trigger audit_packages_update after update of deleted_at, name, git_repo_id, transient_branches, tag_prefixes, moved_tags, abandoned, renamed_to on packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.deleted_at is not old.deleted_at, 'package.deleted', iif(new.abandoned is not old.abandoned, 'package.abandoned',
                iif(new.renamed_to is not old.renamed_to, 'package.renamed', 'package.updated'))),
            'package', new.id, coalesce(new.deleted_name, new.name),
            json_object('name', old.name,
                'project', (select full_name from git_repos where id = old.git_repo_id),
                'transient_branches', json(iif(json_valid(old.transient_branches), old.transient_branches, 'null')),
                'tag_prefixes', json(iif(json_valid(old.tag_prefixes), old.tag_prefixes, 'null')),
                'moved_tags', old.moved_tags,
                'abandoned', json(iif(json_valid(old.abandoned), old.abandoned, 'null')),
                'renamed_to', old.renamed_to),
            iif(new.deleted_at is not null, null, json_object('name', new.name,
                'project', (select full_name from git_repos where id = new.git_repo_id),
                'transient_branches', json(iif(json_valid(new.transient_branches), new.transient_branches, 'null')),
                'tag_prefixes', json(iif(json_valid(new.tag_prefixes), new.tag_prefixes, 'null')),
                'moved_tags', new.moved_tags,
                'abandoned', json(iif(json_valid(new.abandoned), new.abandoned, 'null')),
                'renamed_to', new.renamed_to)));
END;

drop trigger audit_packages_delete;

create trigger audit_packages_delete after delete on packages
when old.deleted_at is null
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'package.deleted',
            'package', old.id, old.name,
            json_object('name', old.name,
                'project', (select full_name from git_repos where id = old.git_repo_id),
                'renamed_from', old.renamed_from),
            null);
END;

-- What a number was let go for is said where somebody asked for it.
drop trigger audit_deleted_versions_delete;

create trigger audit_deleted_versions_delete after delete on deleted_versions
when old.with_package = 0 and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = old.package_id), 'version.released',
            'version', old.package_id, (select name from packages where id = old.package_id) || ' ' || old.pretty,
            json_object('reference', old.reference),
            null);
END;

-- Ids of repositories and organisations are never given twice: copies near the reader are named by them.
create table retired_ids (
    kind text not null,
    id integer not null,
    primary key (kind, id)
) without rowid;

create trigger repository_ids_retire after delete on repositories
BEGIN
    insert into retired_ids (kind, id) values ('repository', old.id) on conflict (kind, id) do nothing;
END;

create trigger repository_ids_are_new after insert on repositories
when new.id <= (select max(id) from retired_ids where kind = 'repository')
BEGIN
    update repositories
    set id = 1 + (select max(max(t.id), (select max(r.id) from repositories r)) from retired_ids t where t.kind = 'repository')
    where id = new.id;
END;

create trigger organisation_ids_retire after delete on organisations
BEGIN
    insert into retired_ids (kind, id) values ('organisation', old.id) on conflict (kind, id) do nothing;
END;

create trigger organisation_ids_are_new after insert on organisations
when new.id <= (select max(id) from retired_ids where kind = 'organisation')
BEGIN
    update organisations
    set id = 1 + (select max(max(t.id), (select max(o.id) from organisations o)) from retired_ids t where t.kind = 'organisation')
    where id = new.id;
END;

-- Which repositories ever named a blob: with the last of them it may go. Those that were published before there was this
-- table are not in it, and stay.
create table repository_blobs (
    hash text not null,
    repository_id integer not null,
    primary key (hash, repository_id)
) without rowid;

create index repository_blobs_by_repository on repository_blobs (repository_id, hash);

-- Whether all repositories that name the blob are in `repository_blobs`.
alter table published_blobs add column is_recorded integer not null default 0;

-- A program of before records nothing.
create trigger unrecorded_blobs_stay before insert on published_blobs
when new.is_recorded = 0
BEGIN
    update published_blobs set is_recorded = 0 where hash = new.hash;
END;

-- A deleted connection keeps its row, without its secrets, while packages stay as they were synced through it.
alter table connections add column deleted_at integer;
-- The webhook secret of before, sealed, and the Unix second until which it is accepted.
alter table connections add column sealed_old_webhook_secret text;
alter table connections add column old_webhook_secret_until integer;
-- Unix second since which it has the secret that it has: hooks that were saved at their host by then have another one.
alter table connections add column webhook_secret_changed_at integer;
alter table github_apps add column sealed_old_webhook_secret text;
alter table github_apps add column old_webhook_secret_until integer;

drop trigger audit_connections_update;

create trigger audit_connections_update after update of deleted_at, base_url, account, username, hooks, hook_mapping, reconcile_hours, github_app_id, installation_id, refused_at, sealed_token, sealed_webhook_secret on connections
when old.deleted_at is null
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.deleted_at is not old.deleted_at, 'connection.deleted', iif(new.refused_at is not null and old.refused_at is null, 'connection.refused',
                iif(new.refused_at is null and old.refused_at is not null, 'connection.accepted',
                    iif(new.sealed_webhook_secret is not old.sealed_webhook_secret, 'connection.webhook_secret_rotated', 'connection.updated')))),
            'connection', new.id, new.provider || ' ' || new.account,
            json_object('provider', old.provider, 'base_url', old.base_url, 'account', old.account,
                'username', old.username, 'hooks', old.hooks,
                'hook_mapping', json(iif(json_valid(old.hook_mapping), old.hook_mapping, 'null')),
                'reconcile_hours', old.reconcile_hours, 'github_app_id', old.github_app_id,
                'installation_id', old.installation_id, 'refused_at', old.refused_at, 'token', null,
                'webhook_secret', null),
            iif(new.deleted_at is not null, null, json_object('provider', new.provider, 'base_url', new.base_url, 'account', new.account,
                'username', new.username, 'hooks', new.hooks,
                'hook_mapping', json(iif(json_valid(new.hook_mapping), new.hook_mapping, 'null')),
                'reconcile_hours', new.reconcile_hours, 'github_app_id', new.github_app_id,
                'installation_id', new.installation_id, 'refused_at', new.refused_at, 'token',
                iif(new.sealed_token is not old.sealed_token and new.github_app_id is null, 'replaced', null),
                'webhook_secret', iif(new.sealed_webhook_secret is not old.sealed_webhook_secret,
                'replaced', null))));
END;

drop trigger audit_connections_delete;

create trigger audit_connections_delete after delete on connections
when old.deleted_at is null
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'connection.deleted',
            'connection', old.id, old.provider || ' ' || old.account,
            json_object('provider', old.provider, 'base_url', old.base_url, 'account', old.account,
                'username', old.username, 'hooks', old.hooks,
                'hook_mapping', json(iif(json_valid(old.hook_mapping), old.hook_mapping, 'null')),
                'reconcile_hours', old.reconcile_hours, 'github_app_id', old.github_app_id,
                'installation_id', old.installation_id, 'refused_at', old.refused_at),
            null);
END;

-- That somebody has the secret of before end is no change of a secret that is in force.
create trigger audit_connections_old_secret after update of old_webhook_secret_until on connections
when old.deleted_at is null and new.deleted_at is null and old.old_webhook_secret_until is not null
     and new.old_webhook_secret_until is null and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'connection.updated',
            'connection', new.id, new.provider || ' ' || new.account,
            json_object('old_webhook_secret', 'accepted'),
            json_object('old_webhook_secret', 'ended'));
END;

create trigger audit_github_apps_old_secret after update of old_webhook_secret_until on github_apps
when old.old_webhook_secret_until is not null and new.old_webhook_secret_until is null
     and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'github_app.updated',
            'github_app', new.id, new.name,
            json_object('old_webhook_secret', 'accepted'),
            json_object('old_webhook_secret', 'ended'));
END;

-- Since when an organisation is being deleted: it is suspended, and leaves portion by portion.
alter table organisations add column deleted_at integer;
-- When a portion of it was last at work on.
alter table organisations add column deletion_active_at integer;

create index organisations_by_deletion on organisations (deleted_at) where deleted_at is not null;

create trigger audit_organisations_end after update of deleted_at on organisations
when old.deleted_at is null and new.deleted_at is not null
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'organisation.deletion_begun',
            'organisation', new.id, new.slug,
            json_object('slug', new.slug, 'name', new.name),
            null);
END;
