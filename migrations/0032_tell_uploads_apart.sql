-- What the archive of an upload in parts is for: 'version', with the composer.json in it, or 'definition', for one that a
-- person wrote down.
alter table uploads add column purpose text not null default 'version';

drop trigger audit_uploads_insert;

create trigger audit_uploads_insert after insert on uploads
when exists (select 1 from audit_actor where kind in ('person', 'token'))
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    values ((select organisation_id from repositories where id = new.repository_id), 'upload.begun',
            'upload', new.id, new.name || coalesce(' ' || new.version, ''),
            null,
            json_object('size', new.size, 'sha256', new.sha256, 'purpose', new.purpose));
END;
