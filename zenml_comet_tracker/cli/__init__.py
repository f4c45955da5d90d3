"""The command `zenml-comet`, one module per group of commands."""
