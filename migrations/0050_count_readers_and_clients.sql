-- Installs (as Composer reports them) and archives (as they were downloaded) by day in UTC, kept for ever. Raw events are
-- nowhere: a message is added to these sums and forgotten. No address and no name is in them.
--
-- Some narrow tables in place of one over all of package, version, reader, PHP and Composer. Take a vendor with 1,000
-- customers that install 30 packages a day, in 3 versions by 4 kinds of PHP. The one table has a row for each
-- (package, customer, version, PHP) that occurred, 30,000 to 90,000 a day, and every question reads all of them: the curve of
-- one package over 90 days some 200,000 rows. Here a day has 30 x 3 rows in `downloads`, 30 x 4 in `package_clients`, 30,000
-- in `package_readers`, 4 in `organisation_clients` and 1,000 in `reader_days`, so that curve reads 360 rows, that of the
-- organisation 360 more, and only who asks for customers reads those of customers. At some 35 bytes a row such a vendor
-- grows by 400 MB a year, of the 10 GB that a database may have; an agency with 40 tokens and 250 packages, by 20 MB.
-- What it costs: a report of 30 packages that comes alone writes 92 rows and not 31; reports that come together share them.
-- None of the tables has an index but its key, which is in the order in which it is read.

-- `count` are installs.
alter table downloads add column archives integer not null default 0;

-- By whom something was read: numbers are short, and there are many rows with them. The id of a customer, token or
-- organisation that is gone stays here and is nobody's.
create table readers (
    id integer primary key,
    -- Whose packages they are.
    organisation_id integer not null references organisations (id),
    -- 'anonymous', 'customer', 'token', 'organisation', 'instance' or 'unknown'.
    kind text not null,
    -- The id of the customer, token or organisation; empty where there is one of a kind.
    subject text not null,
    unique (organisation_id, kind, subject)
);

-- A package's sums, and by what they were asked for.
create table package_clients (
    package_id integer not null references packages (id),
    day text not null,
    -- '8.3'; empty where it is not known.
    php text not null,
    -- 2; 0 where it is not known.
    composer integer not null,
    installs integer not null,
    archives integer not null,
    primary key (package_id, day, php, composer)
) without rowid;

-- By whom a package was read.
create table package_readers (
    package_id integer not null references packages (id),
    reader_id integer not null references readers (id),
    day text not null,
    installs integer not null,
    archives integer not null,
    primary key (package_id, reader_id, day)
) without rowid;

-- An organisation's sums. They stay when a package is deleted: what was installed was installed.
create table organisation_clients (
    organisation_id integer not null references organisations (id),
    day text not null,
    php text not null,
    composer integer not null,
    installs integer not null,
    archives integer not null,
    primary key (organisation_id, day, php, composer)
) without rowid;

-- A reader's sums over all packages of the organisation.
create table reader_days (
    reader_id integer not null references readers (id),
    day text not null,
    installs integer not null,
    archives integer not null,
    primary key (reader_id, day)
) without rowid;

-- What was counted before has a version and nothing else, so that all sums are the same.
insert into readers (organisation_id, kind, subject)
select distinct p.organisation_id, 'unknown', ''
from packages p
where exists (select 1 from downloads d where d.package_id = p.id);

insert into package_clients (package_id, day, php, composer, installs, archives)
select package_id, day, '', 0, sum(count), 0 from downloads group by package_id, day;

insert into package_readers (package_id, reader_id, day, installs, archives)
select c.package_id, r.id, c.day, c.installs, 0
from package_clients c
join packages p on p.id = c.package_id
join readers r on r.organisation_id = p.organisation_id;

insert into organisation_clients (organisation_id, day, php, composer, installs, archives)
select p.organisation_id, c.day, '', 0, sum(c.installs), 0
from package_clients c
join packages p on p.id = c.package_id
group by p.organisation_id, c.day;

insert into reader_days (reader_id, day, installs, archives)
select r.id, c.day, c.installs, 0
from organisation_clients c
join readers r on r.organisation_id = c.organisation_id;
