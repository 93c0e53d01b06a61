-- Live segments: what changes reach and stored answers.
set role wayfare_owner;

reset role;
