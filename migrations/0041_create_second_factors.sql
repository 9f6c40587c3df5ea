-- Second factors of people who sign in by a password: codes of an app (RFC 6238), and recovery codes for who lost it.

create table second_factors (
    account_id text primary key references accounts (id),
    -- What codes are made of, sealed.
    sealed_secret text not null,
    created_at integer not null,
    -- The last step of 30 seconds of which a code was taken: none of it or of one before is taken again.
    last_step integer not null
) without rowid;

create table recovery_codes (
    account_id text not null references accounts (id),
    -- The SHA-256 of account and code: 80 random bits need no slow hash.
    hash text not null,
    used_at integer,
    primary key (account_id, hash)
) without rowid;

create trigger audit_second_factors_insert after insert on second_factors
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'second_factor.created',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('created_at', new.created_at));
END;

create trigger audit_recovery_codes_update after update of used_at on recovery_codes
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'recovery_code.used',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            json_object('used_at', old.used_at),
            json_object('used_at', new.used_at));
END;
