-- What people read about a repository.
alter table repositories add column description text;

-- JSON: composer_1, mirrors, messages. What is absent has its default.
alter table repositories add column settings text not null default '{}';

-- How often the settings were changed: part of the validator of packages.json, which they are written into.
alter table repositories add column settings_changes integer not null default 0;
