-- Activity: what customers do about messages.
set role wayfare_owner;

reset role;
