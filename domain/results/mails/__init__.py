"""Mail that comes back: reports that a mail was not delivered (RFC 3464), complaints (RFC 5965) and answers."""
