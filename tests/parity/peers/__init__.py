"""ZenML's other trackers, each played with its own SDK in a process and an environment of its own.

What runs there (`python -m tests.parity.peers <tracker> <folder>`) needs ZenML and the tracker's SDK, nothing else.
"""
