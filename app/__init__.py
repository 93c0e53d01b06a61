"""How Wayfare is started: settings, private servers, the supervisor and the `wayfare` command."""
