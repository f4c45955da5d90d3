"""What the local Comet keeps: all SQL and all files. `Store` is the door; the other modules are one noun each."""
