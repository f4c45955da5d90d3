"""The model registry: registered models and their versions, as a caller has them in hand."""
