-- What a package does with the refs of its git repository, as a person sets it. JSON lists.
alter table packages add column transient_branches text not null default '["dependabot/*","renovate/*"]';
alter table packages add column tag_prefixes text not null default '["release-"]';
-- 'keep' or 'follow'.
alter table packages add column moved_tags text not null default 'keep';
-- JSON: true, false, or the name of the package to use instead. Null: as the git host and composer.json have it.
alter table packages add column abandoned text;
-- Set when composer.json took another name: that package is synced from now on, and this one stays as it is.
alter table packages add column renamed_to text;
-- The package that this one was synced as before.
alter table packages add column renamed_from text;
-- What a person should know of its name; a job keeps the words of its day.
alter table packages add column notice text;
alter table jobs add column notice text;
-- The commit of the default branch whose composer.json was last asked for its name.
alter table git_repos add column named_commit text;
-- What of the package's settings a ref was refused for: 'transient', 'moved'; null for anything else.
alter table git_refs add column rule text;
-- The version that a tag's name stood for when it was decided on, or nothing; null: by the prefixes of old.
alter table git_refs add column number text;

update git_refs set rule = 'moved' where state = 'skipped' and reason like 'the tag moved from %';
