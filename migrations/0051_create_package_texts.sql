-- README and CHANGELOG of a package: rendered once for each version that speaks for it, kept as objects in the blob store
-- (`texts/…`), read from the archive that is stored anyway. A publish says which version it is; a message of the queue reads.
create table package_texts (
    package_id integer primary key references packages (id),
    -- What is to be read: the highest stable version, else the default branch, else whatever there is.
    wanted_reference text not null,
    wanted_version text not null,
    wanted_normalized text not null,
    -- The page of its files at its git host; null where there is none.
    wanted_page text,
    -- 1 until it was read.
    is_due integer not null default 1,
    -- When somebody began to.
    claimed_at integer,
    -- What was read, as the pages tell it.
    version text,
    normalized text,
    reference text,
    -- `domain/markdown`, `FORM`: what was written otherwise is written again.
    form integer,
    -- The objects and what the files are called; null where the archive has none.
    readme_key text,
    readme_file text,
    changelog_key text,
    changelog_file text,
    -- Whether something is missing at the end.
    readme_cut integer not null default 0,
    changelog_cut integer not null default 0
);

create index package_texts_due on package_texts (claimed_at) where is_due = 1;
create index package_texts_by_readme on package_texts (readme_key) where readme_key is not null;
create index package_texts_by_changelog on package_texts (changelog_key) where changelog_key is not null;

-- Of what was published before, until its next publish knows better.
insert into package_texts (package_id, wanted_reference, wanted_version, wanted_normalized)
select v.package_id, v.reference, v.pretty, v.normalized
from versions v
join packages p on p.id = v.package_id and p.deleted_at is null
where v.id = (select w.id from versions w
              where w.package_id = v.package_id and w.removed_at is null and w.yanked_at is null
              order by w.is_dev, w.published_at desc, w.id desc limit 1);
