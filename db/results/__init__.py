"""What comes back of messages as it is stored: events, touches, conversions, money, figures."""
