"""Our store as the server uses it, without the server around it."""

from __future__ import annotations

from pathlib import Path

import orjson

from zenml_comet_tracker.local.routes.fields import Fields
from zenml_comet_tracker.local.routes.metric_batches import MetricBatch
from zenml_comet_tracker.local.store import experiments, metrics, projects
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.store import Store


class Inside:
    """A store with one experiment."""

    def __init__(self, folder: Path, key: str) -> None:
        self._key = key
        self._store = Store(folder)
        with self._store.write() as transaction:
            project = projects.ensure(transaction, "local", "benchmark")
            experiments.create(transaction, NewExperiment(key, project, running=True))

    def ingest(self, body: bytes) -> None:
        """Reads and stores a batch as the route does."""
        batch = MetricBatch.read(Fields(orjson.loads(body)), self._store.clock())
        with self._store.write_to(self._key) as target:
            metrics.add_points(target.connection, target.experiment.id, "", *batch.by_metric(0))

    def close(self) -> None:
        """Closes the store."""
        self._store.close()
