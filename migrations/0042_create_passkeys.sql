-- Passkeys (WebAuthn): public keys whose private halves people's devices keep.

create table passkeys (
    id text primary key,
    account_id text not null references accounts (id),
    -- Chosen by the device, in base64url: what it calls the key by.
    credential text not null unique,
    -- By COSE: -7 for ECDSA over P-256, -8 for Ed25519, -257 for RSA with SHA-256.
    algorithm integer not null,
    -- In hex: the point, uncompressed; the 32 bytes of Ed25519; modulus and exponent with a dot between.
    public_key text not null,
    -- What the device counted when it signed last; always 0 with devices that do not count.
    sign_count integer not null,
    -- 1 where the device may copy the key to others of the same person. It never changes.
    is_syncable integer not null,
    name text not null,
    created_at integer not null,
    last_used_at integer
);

create index passkeys_by_account on passkeys (account_id, created_at);

-- Challenges that were answered, until they are too old to be answered: each is good once.
create table answered_challenges (
    -- The SHA-256 of the challenge.
    hash text primary key,
    expires_at integer not null
) without rowid;

create trigger audit_passkeys_insert after insert on passkeys
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (null, 'passkey.created',
            'account', new.account_id, (select email from accounts where id = new.account_id),
            null,
            json_object('passkey', new.id, 'name', new.name));
END;
