"""The embedded Comet-compatible server. It knows nothing of the client and nothing of ZenML."""
