-- What an organisation wants of those who sign in. One without a row has what stands as default here.

create table sign_in_rules (
    organisation_id integer primary key references organisations (id),
    -- JSON list of domains in lower case; empty: any.
    domains text not null default '[]',
    -- 'open' or 'closed': whether somebody whom nobody invited becomes a member.
    registration text not null default 'closed',
    -- What she becomes: never 'owner' or 'admin'.
    role text not null default 'member',
    -- JSON list of ids of the teams she comes into.
    teams text not null default '[]',
    -- JSON list of {group, team}: who is in a group at the provider is in the team.
    group_teams text not null default '[]',
    -- 'off', 'organisation' or 'any': by whose provider a member has to have signed in.
    enforced text not null default 'off',
    changed_at integer not null
);

-- Who is in a team only because of a group, and by which provider. Whoever was put there by hand has no row.
create table group_memberships (
    team_id text not null references teams (id),
    account_id text not null references accounts (id),
    provider_id text not null references identity_providers (id),
    primary key (team_id, account_id)
) without rowid;

create index group_memberships_by_account on group_memberships (account_id);
create index group_memberships_by_provider on group_memberships (provider_id);

create trigger leave_group_memberships before delete on team_members
BEGIN
    delete from group_memberships where team_id = old.team_id and account_id = old.account_id;
END;

create trigger audit_sign_in_rules_insert after insert on sign_in_rules
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'sign_in_rules.updated',
            'organisation', new.organisation_id, (select slug from organisations where id = new.organisation_id),
            json_object('domains', json('[]'), 'registration', 'closed', 'role', 'member', 'teams', json('[]'),
                'group_teams', json('[]'), 'enforced', 'off'),
            json_object('domains', json(new.domains), 'registration', new.registration, 'role', new.role,
                'teams', json(new.teams), 'group_teams', json(new.group_teams), 'enforced', new.enforced));
END;

create trigger audit_sign_in_rules_update after update on sign_in_rules
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'sign_in_rules.updated',
            'organisation', new.organisation_id, (select slug from organisations where id = new.organisation_id),
            json_object('domains', json(old.domains), 'registration', old.registration, 'role', old.role,
                'teams', json(old.teams), 'group_teams', json(old.group_teams), 'enforced', old.enforced),
            json_object('domains', json(new.domains), 'registration', new.registration, 'role', new.role,
                'teams', json(new.teams), 'group_teams', json(new.group_teams), 'enforced', new.enforced));
END;
