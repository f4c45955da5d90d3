"""The web page: views, templates and static files."""
