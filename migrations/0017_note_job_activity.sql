-- When something of a job was last at work or was sent to work, so that one whose messages were lost is noticed.
alter table jobs add column active_at integer;
