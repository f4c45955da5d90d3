"""What a tracker adds to a step of ZenML: `python -m benchmarks steps`."""
