-- Organisations as tenants: what each may use and does use, what holds for those below a suspended one, and the texts of
-- their repositories.

-- What the owner of the instance allows; null means no limit. A quota is for an organisation and those below it together.
alter table organisations add column quota_packages integer;
-- Bytes of stored archives.
alter table organisations add column quota_storage integer;
-- Bytes of archives served in a calendar month (UTC).
alter table organisations add column quota_bandwidth integer;
-- What it uses itself, and what those below it use; kept by the triggers below, in the transaction of each change.
alter table organisations add column packages_used integer not null default 0;
alter table organisations add column packages_below integer not null default 0;
alter table organisations add column storage_used integer not null default 0;
alter table organisations add column storage_below integer not null default 0;

update organisations set
    packages_used = (select count(*) from packages p where p.organisation_id = organisations.id),
    packages_below = (select count(*) from packages p join organisations c on c.id = p.organisation_id
                      where c.parent_id = organisations.id),
    storage_used = (select coalesce(sum(d.size), 0) from dists d join packages p on p.id = d.package_id
                    where p.organisation_id = organisations.id),
    storage_below = (select coalesce(sum(d.size), 0) from dists d join packages p on p.id = d.package_id
                     join organisations c on c.id = p.organisation_id where c.parent_id = organisations.id);

-- Bytes of archives served, told by the queue some minutes late.
create table organisation_bandwidth (
    organisation_id integer not null,
    -- `2026-11`, in UTC.
    month text not null,
    bytes integer not null default 0,
    -- Those of the organisations below it.
    bytes_below integer not null default 0,
    primary key (organisation_id, month)
) without rowid;

create trigger bandwidth_goes_with_its_organisation after delete on organisations
BEGIN
    delete from organisation_bandwidth where organisation_id = old.id;
END;

-- How an organisation stands. One below a suspended organisation is suspended with it.
create view organisation_standings as
select o.id,
       coalesce(o.suspended_at, p.suspended_at) as suspended_at,
       iif(o.suspended_at is null, p.suspended_for, o.suspended_for) as suspended_for,
       -- The last month in which its quota of bandwidth, or that of the organisation above it, was used up.
       (select max(b.month) from organisation_bandwidth b join organisations q on q.id = b.organisation_id
        where q.id in (o.id, o.parent_id) and b.bytes + b.bytes_below >= q.quota_bandwidth) as bandwidth_spent_in
from organisations o left join organisations p on p.id = o.parent_id;

create trigger packages_stay_within_quota before insert on packages
when exists (
    select 1 from organisations o
    where o.id in (new.organisation_id, (select c.parent_id from organisations c where c.id = new.organisation_id))
      and o.packages_used + o.packages_below >= o.quota_packages)
 and not exists (select 1 from packages p where p.organisation_id = new.organisation_id and p.name = new.name)
BEGIN
    select raise(abort, 'quota_exceeded: packages');
END;

create trigger packages_are_counted after insert on packages
BEGIN
    update organisations set packages_used = packages_used + (id = new.organisation_id),
                             packages_below = packages_below + (id <> new.organisation_id)
    where id in (new.organisation_id, (select c.parent_id from organisations c where c.id = new.organisation_id));
END;

create trigger packages_are_counted_down after delete on packages
BEGIN
    update organisations set packages_used = packages_used - (id = old.organisation_id),
                             packages_below = packages_below - (id <> old.organisation_id)
    where id in (old.organisation_id, (select c.parent_id from organisations c where c.id = old.organisation_id));
END;

create trigger archives_stay_within_quota before insert on dists
when exists (
    select 1 from packages p join organisations c on c.id = p.organisation_id
                             join organisations o on o.id in (c.id, c.parent_id)
    where p.id = new.package_id and o.storage_used + o.storage_below + new.size > o.quota_storage)
 and not exists (select 1 from dists d where d.package_id = new.package_id and d.reference = new.reference)
BEGIN
    select raise(abort, 'quota_exceeded: storage');
END;

create trigger archives_are_counted after insert on dists
BEGIN
    update organisations set
        storage_used = storage_used
            + iif(id = (select p.organisation_id from packages p where p.id = new.package_id), new.size, 0),
        storage_below = storage_below
            + iif(id = (select p.organisation_id from packages p where p.id = new.package_id), 0, new.size)
    where id in ((select p.organisation_id from packages p where p.id = new.package_id),
                 (select c.parent_id from packages p join organisations c on c.id = p.organisation_id
                  where p.id = new.package_id));
END;

create trigger archives_are_counted_down after delete on dists
BEGIN
    update organisations set
        storage_used = storage_used
            - iif(id = (select p.organisation_id from packages p where p.id = old.package_id), old.size, 0),
        storage_below = storage_below
            - iif(id = (select p.organisation_id from packages p where p.id = old.package_id), 0, old.size)
    where id in ((select p.organisation_id from packages p where p.id = old.package_id),
                 (select c.parent_id from packages p join organisations c on c.id = p.organisation_id
                  where p.id = old.package_id));
END;

-- No job of a suspended organisation begins, whatever message comes for it and however long before it was sent.
create trigger jobs_of_suspended_organisations_wait before update of state on jobs
when new.state = 'running'
 and (select s.suspended_at from organisation_standings s where s.id = new.organisation_id) is not null
BEGIN
    select raise(ignore);
END;

-- What people read on the page of a repository: Markdown as it was written.
alter table repositories add column landing text;

-- The audit log tells of it all.
drop trigger audit_organisations_insert;

create trigger audit_organisations_insert after insert on organisations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'organisation.created',
            'organisation', new.id, new.slug,
            null,
            json_object('slug', new.slug, 'name', new.name, 'parent', new.parent_id, 'contact', new.contact,
                'quota_packages', new.quota_packages, 'quota_storage', new.quota_storage,
                'quota_bandwidth', new.quota_bandwidth));
END;

drop trigger audit_organisations_update;

create trigger audit_organisations_update after update of slug, name, parent_id, managed_by_parent, suspended_at, suspended_for, contact, quota_packages, quota_storage, quota_bandwidth on organisations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.id, iif(new.suspended_at is not null and old.suspended_at is null, 'organisation.suspended',
                iif(new.suspended_at is null and old.suspended_at is not null, 'organisation.resumed', 'organisation.updated')),
            'organisation', new.id, new.slug,
            json_object('slug', old.slug, 'name', old.name, 'parent', old.parent_id,
                'managed_by_parent', json(iif(old.managed_by_parent, 'true', 'false')),
                'suspended_at', old.suspended_at, 'suspended_for', old.suspended_for,
                'contact', old.contact, 'quota_packages', old.quota_packages, 'quota_storage', old.quota_storage,
                'quota_bandwidth', old.quota_bandwidth),
            json_object('slug', new.slug, 'name', new.name, 'parent', new.parent_id,
                'managed_by_parent', json(iif(new.managed_by_parent, 'true', 'false')),
                'suspended_at', new.suspended_at, 'suspended_for', new.suspended_for,
                'contact', new.contact, 'quota_packages', new.quota_packages, 'quota_storage', new.quota_storage,
                'quota_bandwidth', new.quota_bandwidth));
END;

drop trigger audit_repositories_insert;

create trigger audit_repositories_insert after insert on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'repository.created',
            'repository', new.id, new.slug,
            null,
            json_object('slug', new.slug, 'public', json(iif(new.is_public, 'true', 'false')),
                'description', new.description, 'landing', new.landing,
                'settings', json(iif(json_valid(new.settings), new.settings, 'null'))));
END;

drop trigger audit_repositories_update;

create trigger audit_repositories_update after update of slug, is_public, description, landing, settings on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'repository.updated',
            'repository', new.id, new.slug,
            json_object('slug', old.slug, 'public', json(iif(old.is_public, 'true', 'false')),
                'description', old.description, 'landing', old.landing,
                'settings', json(iif(json_valid(old.settings), old.settings, 'null'))),
            json_object('slug', new.slug, 'public', json(iif(new.is_public, 'true', 'false')),
                'description', new.description, 'landing', new.landing,
                'settings', json(iif(json_valid(new.settings), new.settings, 'null'))));
END;

drop trigger audit_repositories_delete;

create trigger audit_repositories_delete after delete on repositories
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'repository.deleted',
            'repository', old.id, old.slug,
            json_object('slug', old.slug, 'public', json(iif(old.is_public, 'true', 'false')),
                'description', old.description, 'landing', old.landing,
                'settings', json(iif(json_valid(old.settings), old.settings, 'null'))),
            null);
END;
