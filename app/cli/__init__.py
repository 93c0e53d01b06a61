"""The `wayfare` command, one file for each noun."""
