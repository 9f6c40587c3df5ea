-- When the names that `packages.json` lists last changed, as of each revision: the validator of that document.
-- A program of before writes none; then the revision's own time stands for it, which is never too early.
alter table revisions add column names_changed_at integer;
