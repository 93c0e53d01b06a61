"""The demo organization: invented people with believable lives, the same ones on every machine."""
