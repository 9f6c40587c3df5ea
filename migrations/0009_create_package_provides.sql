-- The names that packages provide or replace, in any of their versions.
create table package_provides (
    name text not null,
    package_id integer not null references packages (id),
    primary key (name, package_id)
) without rowid;

create index package_provides_by_package on package_provides (package_id);

-- What is published already is published once more, which writes its rows and, with the same documents, no revision.
insert into pending_publications (repository_id, package_id, sequence, asked_at)
select repository_id, package_id, 1, unixepoch() from repository_packages where true
on conflict (repository_id, package_id) do update set sequence = sequence + 1;
