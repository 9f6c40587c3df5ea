-- The form of the published documents (`DOCUMENT_FORM`); an older one means: publish all again.
alter table repositories add column published_form integer not null default 0;

-- The revision for which published_form holds. A program that knows no forms moves the head and leaves this behind.
alter table repositories add column form_revision integer not null default 0;
