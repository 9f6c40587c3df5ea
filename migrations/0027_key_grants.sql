-- What a shop calls a grant, such as its order: so that it can send its whole list again and again.
alter table grants add column external_id text;

create unique index grants_by_external_id on grants (organisation_id, external_id) where external_id is not null;
