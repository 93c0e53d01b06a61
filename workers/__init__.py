"""What happens later: the broker, actors, clock, sweeper and delivery channels."""
