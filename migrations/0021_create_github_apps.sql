-- A GitHub App that an organisation connects its accounts at GitHub by. Its secrets are sealed.
create table github_apps (
    -- Random text that begins with `app-`: it stands in the webhook's URL.
    id text primary key,
    organisation_id integer not null references organisations (id),
    base_url text not null,
    -- What its tokens name as their issuer: the client id or the app id, as it was given.
    issuer text not null,
    -- GitHub's own number.
    app_id integer not null,
    slug text not null,
    name text not null,
    web_url text not null,
    -- PKCS#8 in base64.
    sealed_private_key text not null,
    sealed_webhook_secret text not null,
    created_at integer not null
);

create index github_apps_by_organisation on github_apps (organisation_id);

-- A connection by an installation of an app. Its `sealed_token` is the installation's, which lives for an hour; empty
-- where there is none.
alter table connections add column github_app_id text references github_apps (id);
alter table connections add column installation_id integer;
alter table connections add column token_expires_at integer;
-- Until when somebody is getting another token; a time that has passed means nothing.
alter table connections add column token_claimed_until integer;

create unique index connections_by_installation on connections (github_app_id, installation_id);

-- Webhook calls for an app that no connection is concerned by.
create table github_app_deliveries (
    id integer primary key,
    github_app_id text not null references github_apps (id),
    provider_delivery_id text not null,
    event text not null,
    installation_id integer,
    detail text not null,
    received_at integer not null,
    unique (github_app_id, provider_delivery_id)
);

create index github_app_deliveries_by_age on github_app_deliveries (received_at);

-- What was read ahead of the commits that a job is to take in: composer.json and the time, exactly as they are at that
-- commit. A row leaves when the commit was taken in, at the latest after a day.
create table read_commits (
    git_repo_id integer not null references git_repos (id),
    "commit" text not null,
    -- The text of composer.json; null where the commit has none.
    manifest text,
    -- RFC 3339, in UTC.
    time text not null,
    read_at integer not null,
    primary key (git_repo_id, "commit")
) without rowid;

create index read_commits_by_age on read_commits (read_at);
