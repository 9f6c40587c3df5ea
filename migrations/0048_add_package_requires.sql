-- The names that packages require in any of their versions, as their last publish found them: so it is known who depends on
-- a package without reading what all others say.
create table package_requires (
    name text not null,
    package_id integer not null references packages (id),
    primary key (name, package_id)
) without rowid;

create index package_requires_by_package on package_requires (package_id);

-- Of what was published before. Names of platform packages have no slash.
insert or ignore into package_requires (name, package_id)
select lower(j.key), v.package_id
from versions v
join packages p on p.id = v.package_id and p.deleted_at is null
join json_each(v.manifest, '$.require') j
where v.removed_at is null and v.yanked_at is null and instr(j.key, '/') > 1;

insert or ignore into package_requires (name, package_id)
select lower(j.key), f.package_id
from defined_versions f
join packages p on p.id = f.package_id and p.deleted_at is null
join json_each(f.definition, '$.require') j
where f.removed_at is null and f.yanked_at is null and instr(j.key, '/') > 1;

-- Who released a version, found by its name.
create index audit_of_releases on audit (organisation_id, subject_name) where action = 'version.published';

-- The revision that a repository was rolled back to; null for one that was published.
alter table revisions add column rolled_back_to integer;

create trigger audit_revisions_insert after insert on revisions
when new.rolled_back_to is not null
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from repositories where id = new.repository_id), 'repository.rolled_back',
            'repository', new.repository_id, (select slug from repositories where id = new.repository_id),
            json_object('revision', new.number - 1),
            json_object('revision', new.number, 'rolled_back_to', new.rolled_back_to));
END;
