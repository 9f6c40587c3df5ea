-- Projects that their host shows to the connection's credential no more, while others may be shown as before.

-- Unix second since when; null while the project is shown.
alter table git_repos add column withheld_at integer;
-- Why, for people.
alter table git_repos add column withheld_reason text;
-- Unix second from which on the host may be asked for it again; null for at once.
alter table git_repos add column next_look_at integer;

create index git_repos_by_withheld on git_repos (withheld_at) where withheld_at is not null;
