-- Signing in by others: who is asked, and who is whom there.

create table identity_providers (
    id text primary key,
    -- Null: the instance's own.
    organisation_id integer references organisations (id),
    -- Its name in addresses, the only one of its owner.
    slug text not null,
    -- 'oidc', 'google', 'gitlab', 'github' or 'bitbucket'.
    kind text not null,
    -- What its button says.
    name text not null,
    -- The issuer of OpenID Connect, or where the host is. It never changes: subjects are only known together with it.
    base_url text not null,
    client_id text not null,
    sealed_client_secret text not null,
    -- The claim that lists groups; null: none is read.
    groups_claim text,
    created_at integer not null,
    changed_at integer not null
);

create unique index identity_providers_by_slug on identity_providers (coalesce(organisation_id, 0), slug);

-- A person at a provider is one person here, and each person has one identity at a provider.
create table identities (
    provider_id text not null references identity_providers (id),
    -- As the provider tells people apart.
    subject text not null,
    account_id text not null references accounts (id),
    -- As the provider last said, for people to read.
    email text,
    created_at integer not null,
    last_used_at integer not null,
    primary key (provider_id, subject),
    unique (provider_id, account_id)
) without rowid;

create index identities_by_account on identities (account_id);

create trigger audit_identity_providers_insert after insert on identity_providers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'identity_provider.created',
            'identity_provider', new.id, new.slug,
            null,
            json_object('slug', new.slug, 'kind', new.kind, 'name', new.name, 'base_url', new.base_url,
                'client_id', new.client_id, 'groups_claim', new.groups_claim));
END;

create trigger audit_identity_providers_update after update of name, client_id, sealed_client_secret, groups_claim on identity_providers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'identity_provider.updated',
            'identity_provider', new.id, new.slug,
            json_object('name', old.name, 'client_id', old.client_id, 'client_secret', null,
                'groups_claim', old.groups_claim),
            json_object('name', new.name, 'client_id', new.client_id,
                'client_secret', iif(new.sealed_client_secret is old.sealed_client_secret, null, 'replaced'),
                'groups_claim', new.groups_claim));
END;

create trigger audit_identity_providers_delete after delete on identity_providers
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'identity_provider.deleted',
            'identity_provider', old.id, old.slug,
            json_object('slug', old.slug, 'kind', old.kind, 'name', old.name, 'base_url', old.base_url,
                'client_id', old.client_id, 'groups_claim', old.groups_claim),
            null);
END;

create trigger audit_identities_insert after insert on identities
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from identity_providers where id = new.provider_id), 'identity.linked',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('provider', (select slug from identity_providers where id = new.provider_id),
                'subject', new.subject, 'email', new.email));
END;

create trigger audit_identities_delete after delete on identities
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from identity_providers where id = old.provider_id), 'identity.unlinked',
            'account', old.account_id, (select email from accounts where id = old.account_id),
            json_object('provider', (select slug from identity_providers where id = old.provider_id),
                'subject', old.subject, 'email', old.email),
            null);
END;
