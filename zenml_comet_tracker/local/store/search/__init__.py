"""Search: rules over what is known of experiments, compiled to SQL over summaries, never over points."""
