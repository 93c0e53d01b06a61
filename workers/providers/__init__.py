"""Providers: whoever carries messages the last part of their way, each by its own protocol."""
