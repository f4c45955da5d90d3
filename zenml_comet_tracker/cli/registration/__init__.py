"""What ZenML has to know of a tracked pipeline: flavor, secret, tracker, stack. Planned first, then done as a whole.

Each module compares what is wanted with what is registered and answers with a `Change`; `changes.carry_out` makes it.
"""
