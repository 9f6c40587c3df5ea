-- People at a browser: passwords, logins, and links to choose another password.

-- 1 for who may do everything everywhere; the first one is made by the first start.
alter table accounts add column owns_instance integer not null default 0;

create table passwords (
    account_id text primary key references accounts (id),
    -- Argon2id, in the PHC format, which says its own parameters.
    hash text not null,
    changed_at integer not null
) without rowid;

create table logins (
    id text primary key,
    -- The SHA-256 of the secret in the cookie: 256 random bits need no slow hash.
    hash text not null unique,
    account_id text not null references accounts (id),
    -- How somebody signed in: 'password', 'first_start', 'invitation', 'reset', 'recovery_code', 'totp' or 'passkey'.
    method text not null,
    -- 1 as long as the second factor is awaited: it is no login before.
    is_half integer not null default 0,
    created_at integer not null,
    -- By the hour, so that looking at pages writes nothing.
    last_used_at integer not null,
    -- Whatever is done until then, it ends.
    expires_at integer not null,
    -- Since when it is over, by whoever ended it.
    ended_at integer,
    address text,
    user_agent text
);

create index logins_by_account on logins (account_id, created_at);

create table password_resets (
    id text primary key,
    -- The SHA-256 of the secret in the link.
    hash text not null unique,
    account_id text not null references accounts (id),
    created_at integer not null,
    expires_at integer not null,
    used_at integer
);

create index password_resets_by_account on password_resets (account_id);

-- How often somebody tried to sign in of late, by the SHA-256 of what is counted: an account, an address, both.
create table sign_in_attempts (
    key text primary key,
    count integer not null,
    began_at integer not null
) without rowid;

-- Accounts are the instance's, so their lines are too.
create trigger audit_logins_insert after insert on logins
when new.is_half = 0
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'login.created',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('login', new.id, 'method', new.method, 'expires_at', new.expires_at));
END;

create trigger audit_logins_update after update of ended_at on logins
when new.is_half = 0
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'login.ended',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            json_object('login', null, 'ended_at', old.ended_at),
            json_object('login', new.id, 'ended_at', new.ended_at));
END;

create trigger audit_passwords_insert after insert on passwords
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'password.set',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('changed_at', new.changed_at));
END;

create trigger audit_passwords_update after update of hash, changed_at on passwords
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'password.changed',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            json_object('password', null, 'changed_at', old.changed_at),
            json_object('password', 'replaced', 'changed_at', new.changed_at));
END;

create trigger audit_password_resets_insert after insert on password_resets
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'password_reset.created',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('reset', new.id, 'expires_at', new.expires_at));
END;

create trigger audit_password_resets_update after update of used_at on password_resets
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'password_reset.used',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            json_object('used_at', old.used_at),
            json_object('used_at', new.used_at));
END;

create trigger audit_accounts_update after update of owns_instance on accounts
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'account.updated',
            'account', new.id, new.email,
            json_object('owns_instance', json(iif(old.owns_instance, 'true', 'false'))),
            json_object('owns_instance', json(iif(new.owns_instance, 'true', 'false'))));
END;
