"""What users log as files, in whatever form they have it -> bytes. Nothing here knows where they go."""
