-- Sign-ins that are under way at a provider.

create table sign_in_flows (
    -- The SHA-256 of `state`, which comes back once.
    hash text primary key,
    -- The SHA-256 of the secret in the browser's cookie, from which nonce and PKCE verifier are derived.
    browser text not null,
    provider_id text not null references identity_providers (id) on delete cascade,
    -- At whose sign-in page it began.
    organisation_id integer references organisations (id) on delete cascade,
    -- Who links an identity to her account; null for a sign-in.
    account_id text references accounts (id) on delete cascade,
    -- Where to go afterwards.
    next text not null,
    -- JSON: what the provider said of somebody who has to confirm by a password.
    proven text,
    expires_at integer not null
) without rowid;

create index sign_in_flows_by_provider on sign_in_flows (provider_id);

-- The provider that a login came by; no reference, since logins outlive providers. Null: a password, a passkey, a link.
alter table logins add column provider_id text;
