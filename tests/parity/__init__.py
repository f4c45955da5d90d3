"""What this tracker does that ZenML's own Comet tracker does not: each point a check that both are put to."""
