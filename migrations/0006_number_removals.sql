-- The round of removals that took a doomed blob away; null while it may still be taken away. Who writes a blob again
-- after having seen the number of that round knows that it stays.
alter table doomed_blobs add column removal integer;

-- How many rounds of removals there were. Only ever grows.
alter table sweeps add column removals integer not null default 0;
