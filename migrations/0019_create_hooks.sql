-- Webhooks that we register ourselves, what a delivery was about, and credentials that a host refuses.

-- 'automatic': a hook is registered for each project that is added; 'manual': a person does that.
alter table connections add column hooks text not null default 'automatic';
-- JSON: where the generic hook finds what it looks for in any other JSON, as pointers (RFC 6901). Null: nowhere.
alter table connections add column hook_mapping text;
-- Hours between two scheduled comparisons of a project; null: the default.
alter table connections add column reconcile_hours integer;
-- Since when `trouble` is what it is.
alter table connections add column trouble_since integer;
-- Since when the host refuses the credential itself, so that nothing is asked through the connection; null: it does not.
alter table connections add column refused_at integer;
-- When a refused credential is tried again.
alter table connections add column next_try_at integer;

-- 'registered', 'refused' or 'removed' (by a person, through us); null: not tried yet.
alter table git_repos add column hook_state text;
-- The host's id of the hook, and the address that it was registered with.
alter table git_repos add column hook_id text;
alter table git_repos add column hook_url text;
-- Why there is none, in words for a person.
alter table git_repos add column hook_reason text;
alter table git_repos add column hook_tried_at integer;
-- When a scheduled comparison last found a change that no delivery had told of.
alter table git_repos add column hook_missed_at integer;
-- When a scheduled comparison last found nothing that a delivery should have told of.
alter table git_repos add column hook_proven_at integer;

-- Organisations and groups whose one hook tells of all projects below.
create table hook_groups (
    connection_id text not null references connections (id),
    -- As the host has it: `acme`, `acme/tools`.
    name text not null,
    -- Where new projects that have a composer.json are added; null: nowhere.
    repository_id integer references repositories (id),
    hook_id text not null,
    hook_url text not null,
    created_at integer not null,
    primary key (connection_id, name)
) without rowid;

-- What a job of the kind 'discover' looks at: a project that is no git repository here yet.
alter table jobs add column connection_id text;
alter table jobs add column provider_id text;

create index jobs_by_project on jobs (connection_id, provider_id) where provider_id is not null;

-- How many deliveries a row stands for: those with a wrong signature are counted, at most one row an hour.
alter table deliveries add column times integer not null default 1;

-- The projects that a delivery was about: what a replay looks at again.
create table delivery_projects (
    delivery_id integer not null references deliveries (id),
    -- The host's own immutable id.
    provider_id text not null,
    full_name text not null,
    job_id text,
    primary key (delivery_id, provider_id)
) without rowid;

create index delivery_projects_by_job on delivery_projects (job_id);

insert into delivery_projects (delivery_id, provider_id, full_name, job_id)
select d.id, g.provider_id, g.full_name, d.job_id
from deliveries d join jobs j on j.id = d.job_id join git_repos g on g.id = j.git_repo_id;
