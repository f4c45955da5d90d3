"""Everything that speaks Comet. It knows nothing of ZenML and nothing of the local server."""
