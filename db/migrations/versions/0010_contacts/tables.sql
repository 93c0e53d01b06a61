-- Contacts: templates, preferences and confirmations.
set role wayfare_owner;

reset role;
