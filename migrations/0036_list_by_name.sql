-- A page of the packages of one repository, by name, costs by the page: without the name beside it, either all of the
-- repository is sorted, or all of the organisation looked through. A package keeps its name for ever.
-- The column is not called `name`, which programs of before take for that of the table beside it.
alter table repository_packages add column package_name text;

update repository_packages set package_name = (select p.name from packages p where p.id = package_id);

create index repository_packages_by_name on repository_packages (repository_id, package_name);

create trigger repository_packages_note_package_name after insert on repository_packages
BEGIN
    update repository_packages set package_name = (select p.name from packages p where p.id = new.package_id)
    where repository_id = new.repository_id and package_id = new.package_id;
END;
