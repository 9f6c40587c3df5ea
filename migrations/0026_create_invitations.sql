-- Who was asked in, by whom a token was replaced, and when it was last used.

create table invitations (
    id text primary key,
    organisation_id integer not null references organisations (id),
    -- In lower case.
    email text not null,
    role text not null,
    -- JSON list of ids of teams.
    teams text not null,
    -- The SHA-256 of the secret in the link.
    hash text not null unique,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer,
    accepted_at integer,
    -- The account that came of it, and the token that it was shown.
    account_id text references accounts (id),
    token_id text references tokens (id)
);

create index invitations_by_organisation on invitations (organisation_id, created_at, id);

-- What somebody is called here; what she is called elsewhere is none of this organisation's business.
alter table members add column display_name text;

-- The token that a rotation made in its place.
alter table tokens add column replaced_by text references tokens (id);
-- Told by the queue some minutes late: nothing is written while an answer waits.
alter table tokens add column last_used_at integer;
alter table tokens add column last_used_address text;
alter table tokens add column last_used_client text;

-- Who asked whom in, in the audit log.
create trigger audit_invitations_insert after insert on invitations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'invitation.created',
            'invitation', new.id, new.email,
            null,
            json_object('email', new.email, 'role', new.role, 'teams', json(new.teams), 'expires_at', new.expires_at));
END;

create trigger audit_invitations_update after update of revoked_at, accepted_at on invitations
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, iif(new.accepted_at is not null, 'invitation.accepted', 'invitation.revoked'),
            'invitation', new.id, new.email,
            json_object('revoked_at', old.revoked_at, 'accepted_at', old.accepted_at, 'account_id', old.account_id,
                'token_id', old.token_id),
            json_object('revoked_at', new.revoked_at, 'accepted_at', new.accepted_at, 'account_id', new.account_id,
                'token_id', new.token_id));
END;

-- A rotated token says what it was replaced by; the change of its end has a line of its own kind.
create trigger audit_tokens_rotate after update of replaced_by on tokens
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'token.rotated',
            'token', new.id, new.name,
            json_object('replaced_by', old.replaced_by),
            json_object('replaced_by', new.replaced_by));
END;
