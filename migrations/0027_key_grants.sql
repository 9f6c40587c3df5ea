-- What a shop calls a grant, such as its order: so that it can send its whole list again and again.
alter table grants add column external_id text;

create unique index grants_by_external_id on grants (organisation_id, external_id) where external_id is not null;

-- The audit log tells of it too.
drop trigger audit_grants_insert;

create trigger audit_grants_insert after insert on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'grant.created',
            'grant', new.id, new.subject,
            null,
            json_object('external_id', new.external_id, 'subject', new.subject,
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'collection', new.collection_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'versions', new.versions, 'released_until', new.released_until,
                'released_after', new.released_after, 'minimum_stability', new.minimum_stability,
                'source', json(iif(new.source, 'true', 'false')), 'expires_at', new.expires_at,
                'keeps', json(iif(new.keeps, 'true', 'false')), 'note', new.note));
END;

drop trigger audit_grants_update;

create trigger audit_grants_update after update of external_id, subject, packages, collection_id, repositories, versions, released_until, released_after, minimum_stability, source, expires_at, keeps, note on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (new.organisation_id, 'grant.updated',
            'grant', new.id, new.subject,
            json_object('external_id', old.external_id, 'subject', old.subject,
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'collection', old.collection_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'versions', old.versions, 'released_until', old.released_until,
                'released_after', old.released_after, 'minimum_stability', old.minimum_stability,
                'source', json(iif(old.source, 'true', 'false')), 'expires_at', old.expires_at,
                'keeps', json(iif(old.keeps, 'true', 'false')), 'note', old.note),
            json_object('external_id', new.external_id, 'subject', new.subject,
                'packages', json(iif(json_valid(new.packages), new.packages, 'null')),
                'collection', new.collection_id,
                'repositories', json(iif(json_valid(new.repositories), new.repositories, 'null')),
                'versions', new.versions, 'released_until', new.released_until,
                'released_after', new.released_after, 'minimum_stability', new.minimum_stability,
                'source', json(iif(new.source, 'true', 'false')), 'expires_at', new.expires_at,
                'keeps', json(iif(new.keeps, 'true', 'false')), 'note', new.note));
END;

drop trigger audit_grants_delete;

create trigger audit_grants_delete after delete on grants
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values (old.organisation_id, 'grant.deleted',
            'grant', old.id, old.subject,
            json_object('external_id', old.external_id, 'subject', old.subject,
                'packages', json(iif(json_valid(old.packages), old.packages, 'null')),
                'collection', old.collection_id,
                'repositories', json(iif(json_valid(old.repositories), old.repositories, 'null')),
                'versions', old.versions, 'released_until', old.released_until,
                'released_after', old.released_after, 'minimum_stability', old.minimum_stability,
                'source', json(iif(old.source, 'true', 'false')), 'expires_at', old.expires_at,
                'keeps', json(iif(old.keeps, 'true', 'false')), 'note', old.note),
            null);
END;
