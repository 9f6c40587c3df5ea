-- Counts what is deleted of an organisation's archives, when it is said and again when it is done: copies that lie in data
-- centres carry the number that they were made under, and another one is not looked for.
alter table organisations add column archive_deletions integer not null default 0;

create trigger deleted_archives_are_counted after insert on deleted_archives
BEGIN
    update organisations set archive_deletions = archive_deletions + 1
    where id = (select p.organisation_id from packages p where p.id = new.package_id);
END;

create trigger removed_archives_are_counted after delete on deleted_archives
BEGIN
    update organisations set archive_deletions = archive_deletions + 1
    where id = (select p.organisation_id from packages p where p.id = old.package_id);
END;
