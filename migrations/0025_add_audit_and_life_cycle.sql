-- What a person says of a version. A yanked one leaves the metadata, its archive stays for lock files.
alter table versions add column yanked_at integer;
-- JSON: message and, perhaps, what to use instead.
alter table versions add column deprecated text;
alter table defined_versions add column yanked_at integer;
alter table defined_versions add column deprecated text;

-- Versions that a person deleted: their numbers are not given again, but to the same bytes or when somebody says so.
create table deleted_versions (
    package_id integer not null references packages (id),
    normalized text not null,
    pretty text not null,
    -- As versions had them.
    reference text,
    git_ref text,
    sha256 text,
    deleted_at integer not null,
    primary key (package_id, normalized)
) without rowid;

-- Archives of deleted versions: they are taken out of the blob store, and the row leaves when they are.
create table deleted_archives (
    archive_key text primary key,
    deleted_at integer not null
) without rowid;

-- The webhook secret of before, which holds until then, so that hosts can be told of the new one in peace.
alter table connections add column sealed_old_webhook_secret text;
alter table connections add column old_webhook_secret_until integer;

-- Who changed what: append-only. The lines are written by the triggers below, in the transaction of the change itself.
-- Triggers here are one statement each, without `case`, and BEGIN and END stand in capitals: what cuts migrations into
-- statements knows them by that.
create table audit (
    -- Grows with every line and is never used twice, so it is the order.
    id integer primary key autoincrement,
    -- Null for what is about the instance.
    organisation_id integer,
    time integer not null,
    -- 'person', 'token', 'job', 'webhook' or 'instance'.
    actor_kind text not null,
    actor_id text,
    -- As it was called then: it can be read when the actor is gone.
    actor_name text not null,
    address text,
    user_agent text,
    -- Method and path, where a request asked for the change.
    request text,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    subject_name text not null,
    -- JSON objects of what changed and nothing else. Null: it was not there, or is not there any more.
    before_json text,
    after_json text
);

create index audit_by_organisation on audit (organisation_id, id);

-- Who is at work in this very transaction: one row at most, put in first and taken out last, so nobody else ever sees it.
create table audit_actor (
    id integer primary key check (id = 1),
    time integer not null,
    kind text not null,
    actor_id text,
    name text not null,
    address text,
    user_agent text,
    request text
);

-- What may be deleted of the log, by the transaction that has a row here and takes it out again.
create table audit_retention (
    -- Lines of this organisation, or of all when it is null.
    organisation_id integer,
    -- Lines from before this second.
    before_time integer not null
);

create trigger audit_is_never_changed before update on audit
BEGIN
    select raise(abort, 'the audit log is append-only');
END;

create trigger audit_is_never_shortened before delete on audit
when not exists (
    select 1 from audit_retention r
    where old.time < r.before_time and (r.organisation_id is null or r.organisation_id is old.organisation_id))
BEGIN
    select raise(abort, 'the audit log is append-only');
END;

-- What a trigger says of a change. A line is written when something is different.
create view audit_changes as
select null as organisation_id, null as action, null as subject_kind, null as subject_id, null as subject_name,
       null as before_json, null as after_json;

create trigger audit_changes_are_kept instead of insert on audit_changes
when new.before_json is null or new.before_json is not new.after_json
BEGIN
    insert into audit (organisation_id, time, actor_kind, actor_id, actor_name, address, user_agent, request, action,
                       subject_kind, subject_id, subject_name, before_json, after_json)
    select new.organisation_id, coalesce(a.time, unixepoch()), coalesce(a.kind, 'instance'), a.actor_id,
           coalesce(a.name, 'Repertoire'), a.address, a.user_agent, a.request, new.action,
           new.subject_kind, new.subject_id, new.subject_name,
           iif(new.before_json is null, null, (
               select json_group_object(b.key, new.before_json -> b.fullkey) from json_each(new.before_json) b
               where iif(new.after_json is null, b.type <> 'null',
                         (new.before_json -> b.fullkey) is not (new.after_json -> b.fullkey)))),
           iif(new.after_json is null, null, (
               select json_group_object(b.key, new.after_json -> b.fullkey) from json_each(new.after_json) b
               where iif(new.before_json is null, b.type <> 'null',
                         (new.before_json -> b.fullkey) is not (new.after_json -> b.fullkey))))
    from (select 1) left join audit_actor a;
END;

-- Organisations. That one comes or goes is the instance's business; what becomes of it is its own.
create trigger audit_organisations_insert after insert on organisations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'organisation.created',
            'organisation', new.id, new.slug,
            null,
            json_object('slug', new.slug, 'name', new.name));
END;

create trigger audit_organisations_update after update of slug, name, parent_id, managed_by_parent, suspended_at, suspended_for, contact on organisations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.id, iif(new.suspended_at is not null and old.suspended_at is null, 'organisation.suspended',
                iif(new.suspended_at is null and old.suspended_at is not null, 'organisation.resumed', 'organisation.updated')),
            'organisation', new.id, new.slug,
            json_object('slug', old.slug, 'name', old.name, 'parent', old.parent_id,
                'managed_by_parent', json(iif(old.managed_by_parent, 'true', 'false')),
                'suspended_at', old.suspended_at, 'suspended_for', old.suspended_for,
                'contact', old.contact),
            json_object('slug', new.slug, 'name', new.name, 'parent', new.parent_id,
                'managed_by_parent', json(iif(new.managed_by_parent, 'true', 'false')),
                'suspended_at', new.suspended_at, 'suspended_for', new.suspended_for,
                'contact', new.contact));
END;

create trigger audit_organisations_delete after delete on organisations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'organisation.deleted',
            'organisation', old.id, old.slug,
            json_object('slug', old.slug, 'name', old.name),
            null);
END;

create trigger audit_repositories_insert after insert on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'repository.created',
            'repository', new.id, new.slug,
            null,
            json_object('slug', new.slug, 'public', json(iif(new.is_public, 'true', 'false')),
                'description', new.description,
                'settings', json(iif(json_valid(new.settings), new.settings, 'null'))));
END;

create trigger audit_repositories_update after update of slug, is_public, description, settings on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'repository.updated',
            'repository', new.id, new.slug,
            json_object('slug', old.slug, 'public', json(iif(old.is_public, 'true', 'false')),
                'description', old.description,
                'settings', json(iif(json_valid(old.settings), old.settings, 'null'))),
            json_object('slug', new.slug, 'public', json(iif(new.is_public, 'true', 'false')),
                'description', new.description,
                'settings', json(iif(json_valid(new.settings), new.settings, 'null'))));
END;

create trigger audit_repositories_delete after delete on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'repository.deleted',
            'repository', old.id, old.slug,
            json_object('slug', old.slug, 'public', json(iif(old.is_public, 'true', 'false')),
                'description', old.description,
                'settings', json(iif(json_valid(old.settings), old.settings, 'null'))),
            null);
END;

create trigger audit_tokens_insert after insert on tokens
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'token.created',
            'token', new.id, new.name,
            null,
            json_object('name', new.name, 'kind', new.kind, 'access', new.access,
                'abilities', json(iif(json_valid(new.abilities), new.abilities, 'null')),
                'account_id', new.account_id, 'customer_id', new.customer_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'networks', json(iif(json_valid(new.networks), new.networks, 'null')),
                'only_granted', json(iif(new.only_granted, 'true', 'false')),
                'expires_at', new.expires_at, 'revoked_at', new.revoked_at));
END;

create trigger audit_tokens_update after update of name, kind, access, abilities, account_id, customer_id, repositories, packages, networks, only_granted, expires_at, revoked_at on tokens
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.revoked_at is not null and old.revoked_at is null, 'token.revoked', 'token.updated'),
            'token', new.id, new.name,
            json_object('name', old.name, 'kind', old.kind, 'access', old.access,
                'abilities', json(iif(json_valid(old.abilities), old.abilities, 'null')),
                'account_id', old.account_id, 'customer_id', old.customer_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'networks', json(iif(json_valid(old.networks), old.networks, 'null')),
                'only_granted', json(iif(old.only_granted, 'true', 'false')),
                'expires_at', old.expires_at, 'revoked_at', old.revoked_at),
            json_object('name', new.name, 'kind', new.kind, 'access', new.access,
                'abilities', json(iif(json_valid(new.abilities), new.abilities, 'null')),
                'account_id', new.account_id, 'customer_id', new.customer_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'networks', json(iif(json_valid(new.networks), new.networks, 'null')),
                'only_granted', json(iif(new.only_granted, 'true', 'false')),
                'expires_at', new.expires_at, 'revoked_at', new.revoked_at));
END;

create trigger audit_tokens_delete after delete on tokens
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'token.deleted',
            'token', old.id, old.name,
            json_object('name', old.name, 'kind', old.kind, 'access', old.access,
                'abilities', json(iif(json_valid(old.abilities), old.abilities, 'null')),
                'account_id', old.account_id, 'customer_id', old.customer_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'networks', json(iif(json_valid(old.networks), old.networks, 'null')),
                'only_granted', json(iif(old.only_granted, 'true', 'false')),
                'expires_at', old.expires_at, 'revoked_at', old.revoked_at),
            null);
END;

-- Of a secret the log says that it was replaced and nothing else. An installation's token is replaced every hour by itself.
create trigger audit_connections_insert after insert on connections
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'connection.created',
            'connection', new.id, new.provider || ' ' || new.account,
            null,
            json_object('provider', new.provider, 'base_url', new.base_url, 'account', new.account,
                'username', new.username, 'hooks', new.hooks,
                'hook_mapping', json(iif(json_valid(new.hook_mapping), new.hook_mapping, 'null')),
                'reconcile_hours', new.reconcile_hours, 'github_app_id', new.github_app_id,
                'installation_id', new.installation_id, 'refused_at', new.refused_at));
END;

create trigger audit_connections_update after update of base_url, account, username, hooks, hook_mapping, reconcile_hours, github_app_id, installation_id, refused_at, sealed_token, sealed_webhook_secret on connections
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.refused_at is not null and old.refused_at is null, 'connection.refused',
                iif(new.refused_at is null and old.refused_at is not null, 'connection.accepted',
                    iif(new.sealed_webhook_secret is not old.sealed_webhook_secret, 'connection.webhook_secret_rotated', 'connection.updated'))),
            'connection', new.id, new.provider || ' ' || new.account,
            json_object('provider', old.provider, 'base_url', old.base_url, 'account', old.account,
                'username', old.username, 'hooks', old.hooks,
                'hook_mapping', json(iif(json_valid(old.hook_mapping), old.hook_mapping, 'null')),
                'reconcile_hours', old.reconcile_hours, 'github_app_id', old.github_app_id,
                'installation_id', old.installation_id, 'refused_at', old.refused_at, 'token', null,
                'webhook_secret', null),
            json_object('provider', new.provider, 'base_url', new.base_url, 'account', new.account,
                'username', new.username, 'hooks', new.hooks,
                'hook_mapping', json(iif(json_valid(new.hook_mapping), new.hook_mapping, 'null')),
                'reconcile_hours', new.reconcile_hours, 'github_app_id', new.github_app_id,
                'installation_id', new.installation_id, 'refused_at', new.refused_at, 'token',
                iif(new.sealed_token is not old.sealed_token and new.github_app_id is null, 'replaced', null),
                'webhook_secret', iif(new.sealed_webhook_secret is not old.sealed_webhook_secret,
                'replaced', null)));
END;

create trigger audit_connections_delete after delete on connections
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

create trigger audit_github_apps_insert after insert on github_apps
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'github_app.created',
            'github_app', new.id, new.name,
            null,
            json_object('base_url', new.base_url, 'issuer', new.issuer, 'app_id', new.app_id, 'slug', new.slug,
                'name', new.name));
END;

create trigger audit_github_apps_update after update of base_url, issuer, app_id, slug, name, sealed_private_key, sealed_webhook_secret on github_apps
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'github_app.updated',
            'github_app', new.id, new.name,
            json_object('base_url', old.base_url, 'issuer', old.issuer, 'app_id', old.app_id, 'slug', old.slug,
                'name', old.name, 'private_key', null, 'webhook_secret', null),
            json_object('base_url', new.base_url, 'issuer', new.issuer, 'app_id', new.app_id, 'slug', new.slug,
                'name', new.name, 'private_key', iif(new.sealed_private_key is not old.sealed_private_key,
                'replaced', null), 'webhook_secret',
                iif(new.sealed_webhook_secret is not old.sealed_webhook_secret, 'replaced', null)));
END;

create trigger audit_github_apps_delete after delete on github_apps
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'github_app.deleted',
            'github_app', old.id, old.name,
            json_object('base_url', old.base_url, 'issuer', old.issuer, 'app_id', old.app_id, 'slug', old.slug,
                'name', old.name),
            null);
END;

-- Webhooks of groups and of projects.
create trigger audit_hook_groups_insert after insert on hook_groups
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from connections where id = new.connection_id), 'group.added',
            'group', new.connection_id, new.name,
            null,
            json_object('repository', (select slug from repositories where id = new.repository_id),
                'hook_url', new.hook_url));
END;

create trigger audit_hook_groups_delete after delete on hook_groups
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from connections where id = old.connection_id), 'group.removed',
            'group', old.connection_id, old.name,
            json_object('repository', (select slug from repositories where id = old.repository_id),
                'hook_url', old.hook_url),
            null);
END;

create trigger audit_hook_groups_update after update of repository_id, hook_url on hook_groups
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from connections where id = new.connection_id), 'group.updated',
            'group', new.connection_id, new.name,
            json_object('repository', (select slug from repositories where id = old.repository_id),
                'hook_url', old.hook_url),
            json_object('repository', (select slug from repositories where id = new.repository_id),
                'hook_url', new.hook_url));
END;

create trigger audit_git_repos_hook after update of hook_state, hook_id, hook_url, hook_reason on git_repos
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.hook_state = 'registered', 'hook.registered',
        iif(new.hook_state = 'refused', 'hook.refused', 'hook.removed')),
            'project', new.id, new.full_name,
            json_object('state', old.hook_state, 'id', old.hook_id, 'url', old.hook_url, 'reason', old.hook_reason),
            json_object('state', new.hook_state, 'id', new.hook_id, 'url', new.hook_url, 'reason', new.hook_reason));
END;

create trigger audit_git_repos_update after update of folders, folder_versions, connection_id on git_repos
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'project.updated',
            'project', new.id, new.full_name,
            json_object('folders', json(iif(json_valid(old.folders), old.folders, 'null')),
                'versions', old.folder_versions, 'connection', old.connection_id),
            json_object('folders', json(iif(json_valid(new.folders), new.folders, 'null')),
                'versions', new.folder_versions, 'connection', new.connection_id));
END;

-- Packages, where they are, and their versions.
create trigger audit_packages_insert after insert on packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'package.created',
            'package', new.id, new.name,
            null,
            json_object('name', new.name,
                'project', (select full_name from git_repos where id = new.git_repo_id),
                'renamed_from', new.renamed_from));
END;

create trigger audit_packages_update after update of name, git_repo_id, transient_branches, tag_prefixes, moved_tags, abandoned, renamed_to on packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.abandoned is not old.abandoned, 'package.abandoned',
                iif(new.renamed_to is not old.renamed_to, 'package.renamed', 'package.updated')),
            'package', new.id, new.name,
            json_object('name', old.name,
                'project', (select full_name from git_repos where id = old.git_repo_id),
                'transient_branches', json(iif(json_valid(old.transient_branches), old.transient_branches, 'null')),
                'tag_prefixes', json(iif(json_valid(old.tag_prefixes), old.tag_prefixes, 'null')),
                'moved_tags', old.moved_tags,
                'abandoned', json(iif(json_valid(old.abandoned), old.abandoned, 'null')),
                'renamed_to', old.renamed_to),
            json_object('name', new.name,
                'project', (select full_name from git_repos where id = new.git_repo_id),
                'transient_branches', json(iif(json_valid(new.transient_branches), new.transient_branches, 'null')),
                'tag_prefixes', json(iif(json_valid(new.tag_prefixes), new.tag_prefixes, 'null')),
                'moved_tags', new.moved_tags,
                'abandoned', json(iif(json_valid(new.abandoned), new.abandoned, 'null')),
                'renamed_to', new.renamed_to));
END;

create trigger audit_packages_delete after delete on packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'package.deleted',
            'package', old.id, old.name,
            json_object('name', old.name,
                'project', (select full_name from git_repos where id = old.git_repo_id),
                'renamed_from', old.renamed_from),
            null);
END;

create trigger audit_repository_packages_insert after insert on repository_packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = new.package_id), 'package.added',
            'package', new.package_id, (select name from packages where id = new.package_id),
            null,
            json_object('repository', (select slug from repositories where id = new.repository_id)));
END;

create trigger audit_repository_packages_delete after delete on repository_packages
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = old.package_id), 'package.taken_out',
            'package', old.package_id, (select name from packages where id = old.package_id),
            json_object('repository', (select slug from repositories where id = old.repository_id)),
            null);
END;

create trigger audit_versions_insert after insert on versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = new.package_id), 'version.published',
            'version', new.package_id, (select name from packages where id = new.package_id) || ' ' || new.pretty,
            null,
            json_object('reference', new.reference, 'ref', new.git_ref));
END;

create trigger audit_versions_update after update of reference, removed_at, yanked_at, deprecated on versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = new.package_id),
        iif(new.removed_at is not null and old.removed_at is null, 'version.removed',
                iif(new.removed_at is null and old.removed_at is not null, 'version.returned',
                    iif(new.yanked_at is not null and old.yanked_at is null, 'version.yanked',
                        iif(new.yanked_at is null and old.yanked_at is not null, 'version.unyanked',
                            iif(new.deprecated is not old.deprecated, 'version.deprecated', 'version.moved'))))),
            'version', new.package_id, (select name from packages where id = new.package_id) || ' ' || new.pretty,
            json_object('reference', old.reference, 'ref', old.git_ref,
                'in_metadata', json(iif(old.removed_at is null, 'true', 'false')), 'yanked_at', old.yanked_at,
                'deprecated', json(iif(json_valid(old.deprecated), old.deprecated, 'null'))),
            json_object('reference', new.reference, 'ref', new.git_ref,
                'in_metadata', json(iif(new.removed_at is null, 'true', 'false')), 'yanked_at', new.yanked_at,
                'deprecated', json(iif(json_valid(new.deprecated), new.deprecated, 'null'))));
END;

create trigger audit_versions_delete after delete on versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = old.package_id), 'version.deleted',
            'version', old.package_id, (select name from packages where id = old.package_id) || ' ' || old.pretty,
            json_object('reference', old.reference, 'ref', old.git_ref),
            null);
END;

create trigger audit_defined_versions_insert after insert on defined_versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = new.package_id), 'version.published',
            'version', new.package_id, (select name from packages where id = new.package_id) || ' ' || new.pretty,
            null,
            json_object('definition', json(iif(json_valid(new.definition), new.definition, 'null'))));
END;

create trigger audit_defined_versions_update after update of definition, removed_at, yanked_at, deprecated on defined_versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = new.package_id),
        iif(new.removed_at is not null and old.removed_at is null, 'version.removed',
                iif(new.removed_at is null and old.removed_at is not null, 'version.returned',
                    iif(new.yanked_at is not null and old.yanked_at is null, 'version.yanked',
                        iif(new.yanked_at is null and old.yanked_at is not null, 'version.unyanked',
                            iif(new.deprecated is not old.deprecated, 'version.deprecated', 'version.moved'))))),
            'version', new.package_id, (select name from packages where id = new.package_id) || ' ' || new.pretty,
            json_object('definition', json(iif(json_valid(old.definition), old.definition, 'null')),
                'in_metadata', json(iif(old.removed_at is null, 'true', 'false')), 'yanked_at', old.yanked_at,
                'deprecated', json(iif(json_valid(old.deprecated), old.deprecated, 'null'))),
            json_object('definition', json(iif(json_valid(new.definition), new.definition, 'null')),
                'in_metadata', json(iif(new.removed_at is null, 'true', 'false')), 'yanked_at', new.yanked_at,
                'deprecated', json(iif(json_valid(new.deprecated), new.deprecated, 'null'))));
END;

create trigger audit_defined_versions_delete after delete on defined_versions
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = old.package_id), 'version.deleted',
            'version', old.package_id, (select name from packages where id = old.package_id) || ' ' || old.pretty,
            json_object('definition', json(iif(json_valid(old.definition), old.definition, 'null'))),
            null);
END;

-- What the queue does by itself is no line; what somebody asks of it is one.
create trigger audit_jobs_insert after insert on jobs
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'job.started',
            'job', new.id, coalesce((select name from packages where id = new.package_id),
                     (select full_name from git_repos where id = new.git_repo_id), new.id),
            null,
            json_object('kind', new.kind, 'cause', new.cause));
END;

create trigger audit_jobs_update after update of state on jobs
when old.state is not new.state
     and (new.state = 'cancelled' or old.state in ('failed', 'cancelled')) and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.state = 'cancelled', 'job.cancelled', 'job.retried'),
            'job', new.id, coalesce((select name from packages where id = new.package_id),
                     (select full_name from git_repos where id = new.git_repo_id), new.id),
            json_object('state', old.state),
            json_object('state', new.state));
END;

create trigger audit_imports_insert after insert on imports
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'import.started',
            'import', new.id, (select provider || ' ' || account from connections where id = new.connection_id),
            null,
            json_object('repository', (select slug from repositories where id = new.repository_id),
                'patterns', json(iif(json_valid(new.patterns), new.patterns, 'null'))));
END;

create trigger audit_imports_update after update of state on imports
when new.state = 'cancelled' and old.state <> 'cancelled'
     and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'import.cancelled',
            'import', new.id, (select provider || ' ' || account from connections where id = new.connection_id),
            json_object('state', old.state),
            json_object('state', new.state));
END;

create trigger audit_dead_letters_delete after delete on dead_letters
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'dead_letter.removed',
            'dead_letter', old.id, old.reason,
            json_object('message', old.message),
            null);
END;

create trigger audit_uploads_insert after insert on uploads
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from repositories where id = new.repository_id), 'upload.begun',
            'upload', new.id, new.name || coalesce(' ' || new.version, ''),
            null,
            json_object('size', new.size, 'sha256', new.sha256));
END;

create trigger audit_uploads_delete after delete on uploads
when old.state = 'open'
     and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from repositories where id = old.repository_id), 'upload.given_up',
            'upload', old.id, old.name || coalesce(' ' || old.version, ''),
            json_object('size', old.size, 'sha256', old.sha256),
            null);
END;

create trigger audit_uploads_complete after update of state on uploads
when old.state = 'open' and new.state <> 'open'
     and exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from repositories where id = new.repository_id), 'upload.completed',
            'upload', new.id, new.name || coalesce(' ' || new.version, ''),
            json_object('state', old.state),
            json_object('state', new.state));
END;

create trigger audit_deleted_versions_delete after delete on deleted_versions
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from packages where id = old.package_id), 'version.released',
            'version', old.package_id, (select name from packages where id = old.package_id) || ' ' || old.pretty,
            json_object('reference', old.reference),
            null);
END;

-- People, and those who packages are sold to.
create trigger audit_members_insert after insert on members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'member.added',
            'member', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('role', new.role, 'suspended_at', new.suspended_at));
END;

create trigger audit_members_update after update of role, suspended_at on members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.suspended_at is not null and old.suspended_at is null, 'member.suspended',
                iif(new.suspended_at is null and old.suspended_at is not null, 'member.resumed', 'member.updated')),
            'member', new.account_id, (select email from accounts where id = new.account_id),
            json_object('role', old.role, 'suspended_at', old.suspended_at),
            json_object('role', new.role, 'suspended_at', new.suspended_at));
END;

create trigger audit_members_delete after delete on members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'member.removed',
            'member', old.account_id, (select email from accounts where id = old.account_id),
            json_object('role', old.role, 'suspended_at', old.suspended_at),
            null);
END;

create trigger audit_teams_insert after insert on teams
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'team.created',
            'team', new.id, new.name,
            null,
            json_object('name', new.name, 'description', new.description));
END;

create trigger audit_teams_update after update of name, description on teams
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'team.updated',
            'team', new.id, new.name,
            json_object('name', old.name, 'description', old.description),
            json_object('name', new.name, 'description', new.description));
END;

create trigger audit_teams_delete after delete on teams
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'team.deleted',
            'team', old.id, old.name,
            json_object('name', old.name, 'description', old.description),
            null);
END;

create trigger audit_team_members_insert after insert on team_members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from teams where id = new.team_id), 'team.member_added',
            'team', new.team_id, (select name from teams where id = new.team_id),
            null,
            json_object('member', new.account_id));
END;

create trigger audit_team_members_delete after delete on team_members
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from teams where id = old.team_id), 'team.member_removed',
            'team', old.team_id, (select name from teams where id = old.team_id),
            json_object('member', old.account_id),
            null);
END;

create trigger audit_customers_insert after insert on customers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'customer.created',
            'customer', new.id, new.name,
            null,
            json_object('name', new.name, 'email', new.email, 'external_id', new.external_id, 'state', new.state,
                'state_reason', new.state_reason, 'frozen_at', new.frozen_at,
                'expires_at', new.expires_at, 'notes', new.notes));
END;

create trigger audit_customers_update after update of name, email, external_id, state, state_reason, frozen_at, expires_at, notes on customers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'customer.updated',
            'customer', new.id, new.name,
            json_object('name', old.name, 'email', old.email, 'external_id', old.external_id, 'state', old.state,
                'state_reason', old.state_reason, 'frozen_at', old.frozen_at,
                'expires_at', old.expires_at, 'notes', old.notes),
            json_object('name', new.name, 'email', new.email, 'external_id', new.external_id, 'state', new.state,
                'state_reason', new.state_reason, 'frozen_at', new.frozen_at,
                'expires_at', new.expires_at, 'notes', new.notes));
END;

create trigger audit_customers_delete after delete on customers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'customer.deleted',
            'customer', old.id, old.name,
            json_object('name', old.name, 'email', old.email, 'external_id', old.external_id, 'state', old.state,
                'state_reason', old.state_reason, 'frozen_at', old.frozen_at,
                'expires_at', old.expires_at, 'notes', old.notes),
            null);
END;

create trigger audit_collections_insert after insert on collections
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'collection.created',
            'collection', new.id, new.name,
            null,
            json_object('name', new.name, 'description', new.description,
                'items', json(iif(json_valid(new.items), new.items, 'null'))));
END;

create trigger audit_collections_update after update of name, description, items on collections
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'collection.updated',
            'collection', new.id, new.name,
            json_object('name', old.name, 'description', old.description,
                'items', json(iif(json_valid(old.items), old.items, 'null'))),
            json_object('name', new.name, 'description', new.description,
                'items', json(iif(json_valid(new.items), new.items, 'null'))));
END;

create trigger audit_collections_delete after delete on collections
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'collection.deleted',
            'collection', old.id, old.name,
            json_object('name', old.name, 'description', old.description,
                'items', json(iif(json_valid(old.items), old.items, 'null'))),
            null);
END;

create trigger audit_grants_insert after insert on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'grant.created',
            'grant', new.id, new.subject,
            null,
            json_object('subject', new.subject,
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'collection', new.collection_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'versions', new.versions, 'released_until', new.released_until,
                'released_after', new.released_after, 'minimum_stability', new.minimum_stability,
                'source', json(iif(new.source, 'true', 'false')), 'expires_at', new.expires_at,
                'keeps', json(iif(new.keeps, 'true', 'false')), 'note', new.note));
END;

create trigger audit_grants_update after update of subject, packages, collection_id, repositories, versions, released_until, released_after, minimum_stability, source, expires_at, keeps, note on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'grant.updated',
            'grant', new.id, new.subject,
            json_object('subject', old.subject,
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'collection', old.collection_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'versions', old.versions, 'released_until', old.released_until,
                'released_after', old.released_after, 'minimum_stability', old.minimum_stability,
                'source', json(iif(old.source, 'true', 'false')), 'expires_at', old.expires_at,
                'keeps', json(iif(old.keeps, 'true', 'false')), 'note', old.note),
            json_object('subject', new.subject,
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'collection', new.collection_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'versions', new.versions, 'released_until', new.released_until,
                'released_after', new.released_after, 'minimum_stability', new.minimum_stability,
                'source', json(iif(new.source, 'true', 'false')), 'expires_at', new.expires_at,
                'keeps', json(iif(new.keeps, 'true', 'false')), 'note', new.note));
END;

create trigger audit_grants_delete after delete on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'grant.deleted',
            'grant', old.id, old.subject,
            json_object('subject', old.subject,
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'collection', old.collection_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'versions', old.versions, 'released_until', old.released_until,
                'released_after', old.released_after, 'minimum_stability', old.minimum_stability,
                'source', json(iif(old.source, 'true', 'false')), 'expires_at', old.expires_at,
                'keeps', json(iif(old.keeps, 'true', 'false')), 'note', old.note),
            null);
END;
