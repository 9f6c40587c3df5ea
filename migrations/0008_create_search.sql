-- What search looks in, one row for each package that has versions. rowid is the package's id.
-- replacement is null unless the package is abandoned, then it is the one to use instead, or nothing.
create virtual table package_search using fts5 (
    name,
    description,
    keywords,
    type unindexed,
    homepage unindexed,
    replacement unindexed,
    tokenize = 'unicode61 remove_diacritics 2',
    prefix = '2 3'
);

-- A word in the name says more than one in the keywords, and that more than one in the description.
insert into package_search (package_search, rank) values ('rank', 'bm25(10.0, 2.0, 5.0)');

-- What is published already is published once more, which writes its row and, with the same documents, no revision.
insert into pending_publications (repository_id, package_id, sequence, asked_at)
select repository_id, package_id, 1, unixepoch() from repository_packages where true
on conflict (repository_id, package_id) do update set sequence = sequence + 1;
