"""What a fault does to a step that logs: nothing. The oracle is a counter in shared memory, never the client's own."""
