-- Keys by which clients send a POST twice and have it done once. A row is kept for a day.
create table idempotency_keys (
    -- The hash of the caller's token.
    caller text not null,
    -- The path of the request, as it was sent.
    path text not null,
    -- The key, as it was sent.
    key text not null,
    -- SHA-256 over method, path, query and body.
    fingerprint text not null,
    -- Random: whose turn it is to answer.
    attempt text not null,
    -- Unix seconds.
    started_at integer not null,
    -- The answer, sealed, since it may show a secret; null while it is being made.
    answer text,
    primary key (caller, path, key)
) without rowid;

create index idempotency_keys_by_age on idempotency_keys (started_at);
