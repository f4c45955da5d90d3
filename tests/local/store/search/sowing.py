"""Logged experiments, put into a store."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import insert

from tests.local.store.search.brute_force import NOW, Logged
from zenml_comet_tracker.local.store import documents, experiments, facts, metrics, projects, schema
from zenml_comet_tracker.local.store.database import Transaction
from zenml_comet_tracker.local.store.experiments import NewExperiment
from zenml_comet_tracker.local.store.facts import ParameterValue
from zenml_comet_tracker.local.store.metrics import MetricValue
from zenml_comet_tracker.local.store.store import Store


def sow(store: Store, logged: Sequence[Logged]) -> str:
    """The id of a new project with these experiments."""
    with store.write() as transaction:
        project_id = projects.ensure(transaction, "local", uuid.uuid4().hex)
        for one in logged:
            _log(transaction, project_id, one)
    return project_id


def _log(transaction: Transaction, project_id: str, one: Logged) -> None:
    connection = transaction.connection
    new = NewExperiment(one.key, project_id, one.running, start_millis=one.start, user_name=one.user)
    number = experiments.create(transaction, new).id
    state = {"crashed": one.crashed, "end_millis": one.ended, "last_beat_millis": NOW - one.silent}
    experiments.change(transaction, number, file_path=one.path, **state)
    values = [
        MetricValue(name, value, step, None, "", one.start + step)
        for name, series in one.metrics.items()
        for step, value in enumerate(series)
    ]
    if values:
        metrics.add(connection, number, "", values)
    facts.add_parameters(connection, number, [ParameterValue(*pair, None, "", "", 1) for pair in one.params.items()])
    for name, value in one.others.items():
        facts.add_other(transaction, number, name, value, 1)
    facts.add_tags(connection, number, list(one.tags))
    packages = {} if one.packages is None else {"installedPackages": list(one.packages)}
    if one.system or packages:
        documents.put_json(transaction, number, "system", {**one.system, **packages})
    if one.commit is not None:
        documents.put_json(transaction, number, "git", {"parent": one.commit})
    if one.html:
        documents.put(transaction, number, "html", "<p>")
    if one.image:
        image = {"asset_id": uuid.uuid4().hex, "file_name": "dot.png", "type": "image", "size": 1}
        connection.execute(insert(schema.asset).values(experiment_id=number, created_millis=NOW, **image))
