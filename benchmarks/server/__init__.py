"""The local Comet measured beside the bare work, plain tables and other servers: `python -m benchmarks server`."""
