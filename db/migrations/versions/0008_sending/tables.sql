-- Sending: schedules, caps, channels and the further life of messages.
set role wayfare_owner;

reset role;
