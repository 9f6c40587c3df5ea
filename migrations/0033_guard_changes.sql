-- What a change was asked for on the condition of. A transaction that must not be puts a row in here, which no row may be,
-- and so ends; the table stays empty. The names of the constraints are what the program knows the reason by.
create table change_guards (
    why text not null,
    -- Somebody changed something between the look at a thing and its change.
    constraint nothing_came_between check (why <> 'changed_since'),
    -- Another attempt answers the request with this idempotency key by now.
    constraint the_turn_is_ours check (why <> 'turn_lost')
);

-- Unix seconds. When the request changed something first, in the transaction of that change; from then on it is never made
-- again by this key.
alter table idempotency_keys add column changed_at integer;

-- Unix seconds. When it failed after that.
alter table idempotency_keys add column failed_at integer;
