-- What the host says about a project beyond its refs, as JSON: the pages for its files and its issues, how to pay for it,
-- and the commit at which that was read. Null until the first comparison.
alter table git_repos add column host_facts text;
