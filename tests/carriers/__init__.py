"""Stand-ins for providers: servers that check what they are sent as the real ones do, and fail as told."""
