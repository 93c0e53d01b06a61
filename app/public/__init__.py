"""Pages and endpoints for those who have no account: recipients of messages and providers."""
