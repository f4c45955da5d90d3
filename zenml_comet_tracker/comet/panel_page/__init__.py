"""One HTML page of what a panel script shows: complete in one file, nothing loaded from elsewhere."""
