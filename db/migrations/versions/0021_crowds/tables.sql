-- Crowds: what costs those who read and write very many customers.
set role wayfare_owner;

reset role;
