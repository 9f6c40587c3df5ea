-- Customers at a browser: a short login that begins with one of their tokens, and is good for their own page alone.

create table customer_logins (
    id text primary key,
    -- The SHA-256 of the secret in the cookie: 256 random bits need no slow hash.
    hash text not null unique,
    -- It is over when the token is, and is bound by its limits.
    token_id text not null references tokens (id),
    created_at integer not null,
    -- Whatever is done until then, it ends; so that looking at pages writes nothing, it is not prolonged.
    expires_at integer not null,
    -- Since when it is over, by whoever ended it.
    ended_at integer,
    address text,
    user_agent text
);

create index customer_logins_by_token on customer_logins (token_id);
create index customer_logins_by_end on customer_logins (expires_at);

create trigger audit_customer_logins_insert after insert on customer_logins
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    select t.organisation_id, 'login.created', 'customer', t.customer_id,
           (select name from customers where id = t.customer_id),
           null,
           json_object('login', new.id, 'method', 'token', 'token', new.token_id, 'expires_at', new.expires_at)
    from tokens t where t.id = new.token_id;
END;

create trigger audit_customer_logins_update after update of ended_at on customer_logins
BEGIN
    insert into audit_changes (organisation_id, action, subject_kind, subject_id, subject_name, before_json, after_json)
    select t.organisation_id, 'login.ended', 'customer', t.customer_id,
           (select name from customers where id = t.customer_id),
           json_object('login', null, 'ended_at', old.ended_at),
           json_object('login', new.id, 'ended_at', new.ended_at)
    from tokens t where t.id = new.token_id;
END;
