"""One module per REST resource: endpoint, fields and shapes, nothing else."""
