-- When the scheduled work last came to its end: a cron that stopped is seen by nothing else.
create table housekeeping_rounds (
    -- There is one row.
    id integer primary key check (id = 1),
    ended_at integer not null
);
