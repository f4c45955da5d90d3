"""The background delivery of journals: one sender thread per process, one for files."""
