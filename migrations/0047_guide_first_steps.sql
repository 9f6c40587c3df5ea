-- What people see of their connections, and how far they are at the beginning.

-- Unix second at which somebody last had the host asked whether it answers and lets us in.
alter table connections add column checked_at integer;

-- Unix second since which the first steps are not shown on the dashboard any more: somebody said that they are known.
alter table organisations add column first_steps_hidden_at integer;
