"""The HTTP endpoints, one module per resource, named as in the client."""
