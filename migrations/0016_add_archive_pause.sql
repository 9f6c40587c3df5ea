-- Until when the host gives no more archives of this project; a time that has passed means nothing.
alter table git_repos add column archives_paused_until integer;
