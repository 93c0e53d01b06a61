"""What comes back of messages, what it says of them, and what it is worth."""
