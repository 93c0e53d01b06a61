set role wayfare_owner;

reset role;
