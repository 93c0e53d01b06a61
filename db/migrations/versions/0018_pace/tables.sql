-- Pace: what costs those who write many rows.
set role wayfare_owner;

reset role;
