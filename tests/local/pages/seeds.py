"""Experiments put straight into a store: what pages are made of, without a client in between."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zenml_comet_tracker.local.store import assets, documents, experiments, facts, metrics, projects, status
from zenml_comet_tracker.local.store.assets import NewAsset
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.facts import ParameterValue
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.store import Store


@dataclass(frozen=True)
class Seed:
    """One experiment as a test wants it. `metrics` maps names to values, logged at steps 0, 1, 2 ... a second apart."""

    key: str
    name: str | None = None
    workspace: str = "local"
    project: str = "general"
    start_millis: int | None = None
    end_millis: int | None = None
    running: bool = False
    error: str | None = None
    tags: Sequence[str] = ()
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    html: str | None = None


def sow(store: Store, *seeds: Seed) -> None:
    """Stores the experiments, each in a write of its own."""
    for seed in seeds:
        with store.write() as transaction:
            project_id = projects.ensure(transaction, seed.workspace, seed.project)
            new = NewExperiment(seed.key, project_id, running=True, name=seed.name, start_millis=seed.start_millis)
            row = experiments.create(transaction, new)
            facts.add_tags(transaction.connection, row.id, list(seed.tags))
            parameters = [ParameterValue(name, value, None, "", "", 1) for name, value in seed.parameters.items()]
            facts.add_parameters(transaction.connection, row.id, parameters)
            for name, value in seed.others.items():
                facts.add_other(transaction, row.id, name, value, 1)
            if seed.html is not None:
                documents.put(transaction, row.id, "html", seed.html)
            if not seed.running:
                end = seed.end_millis or row.start_millis + 1_000
                report = status.Report(False, crashed=seed.error is not None, error=seed.error, at_millis=end)
                status.apply(transaction, row, report)
        for name, values in seed.metrics.items():
            log(store, seed.key, name, values)


def log(store: Store, key: str, name: str, values: Sequence[float], *, first_step: int | None = 0) -> None:
    """Appends values to a metric, at consecutive steps from `first_step`, or without steps; epochs of ten steps."""
    with store.write_to(key) as target:
        start = target.experiment.start_millis
        batch = [
            MetricValue(
                name=name,
                value=value,
                step=None if first_step is None else first_step + at,
                epoch=None if first_step is None else (first_step + at) // 10,
                context="",
                millis=start + 1_000 * ((first_step or 0) + at),
            )
            for at, value in enumerate(values)
        ]
        metrics.add(target.connection, target.experiment.id, "", batch)


def label(store: Store, key: str, tag: str) -> None:
    """Adds a tag."""
    with store.write_to(key) as target:
        facts.add_tags(target.connection, target.experiment.id, [tag])


def attach(store: Store, key: str, name: str, content: bytes, kind: str = "asset", **more: Any) -> str:
    """Adds a file; gives its asset id."""
    stored = store.files.add(io.BytesIO(content))
    asset_id = hashlib.md5(f"{key}/{name}".encode()).hexdigest()
    given = {"dir": "", "extension": "", "step": None, "epoch": None, "context": "", "metadata": None}
    given.update({"grouping_name": None, "link": None, "created_millis": store.clock(), **more})
    with store.write_to(key) as target:
        new = NewAsset(asset_id, name, type=kind, size=stored.size, sha256=stored.sha256, **given)
        assets.add(target.transaction, target.experiment.id, new, overwrite=False)
    return asset_id
