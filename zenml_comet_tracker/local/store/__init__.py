"""All SQL and all files of the local server."""
