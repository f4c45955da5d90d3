"""Journals of runs that deliver nothing themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zenml_comet_tracker.comet.journal.record import METRICS, Header, fingerprint
from zenml_comet_tracker.comet.journal.writer import JournalWriter


@contextlib.contextmanager
def offline_writer(
    journals: Path, root: str, *, key: str = "b" * 32, api_key: str = "k", **header: Any
) -> Iterator[JournalWriter]:
    """The journal of a living offline run of `key`; the writer dies at the end of the block."""
    journals.mkdir(parents=True, exist_ok=True)
    facts = {"started_millis": 1_000, "offline": True, **header}
    found = Header(key, root, fingerprint(api_key) if api_key else "", **facts)
    writer = JournalWriter(journals, found)
    try:
        yield writer
    finally:
        writer.close()


def log(writer: JournalWriter, steps: Iterable[int]) -> None:
    """One metric a step, a record each."""
    for step in steps:
        row = {"metricName": "loss", "metricValue": step / 8, "timestamp": 2_000 + step, "step": step}
        writer.append(METRICS, [row])
