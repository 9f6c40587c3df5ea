-- Who a token goes with, where a host wants both. Null: the token goes alone, in the host's own way. It is no secret.
alter table connections add column username text;
