"""Trackio: its store is an SQLite file for each project."""

from __future__ import annotations

import contextlib
import json
import sqlite3

from tests.parity.peers.guard import NOBODY
from tests.parity.peers.stores import Kept, Peer, flat


class Trackio(Peer):
    """Writes to a folder of the user's, and to a server where one is named."""

    flavor = "trackio"
    key, key_variable = "hf_token", "HF_TOKEN"
    configuration = {"project_name": "parity"}
    away = {"server_url": f"http://127.0.0.1:{NOBODY}/?write_token=a-token"}, {}

    def log(self, values: dict[str, float]) -> None:
        import trackio

        trackio.log(values)

    def settle(self) -> None:
        import trackio

        with contextlib.suppress(RuntimeError):
            trackio.finish()

    def kept(self) -> list[Kept]:
        found: dict[str, Kept] = {}
        for path in sorted(self.folder.rglob("trackio/*.db")):
            with contextlib.closing(sqlite3.connect(path)) as store:
                for run, name, config in store.execute("select run_id, run_name, config from configs order by id"):
                    # It has no column for a status.
                    found[run] = Kept(run, name, "none", about=flat(json.loads(config)))
                for run, name, text in store.execute("select run_id, run_name, metrics from metrics order by id"):
                    _add(found.setdefault(run, Kept(run, name, "none")), json.loads(text))
        return list(found.values())


def _add(kept: Kept, values: dict[str, object]) -> None:
    for name, value in values.items():
        if isinstance(value, int | float):
            kept.values.setdefault(name, []).append(value)
        elif name == "zenml_tags" and isinstance(value, list):
            kept.tags |= {str(tag) for tag in value}
        else:
            kept.about[name] = str(value)
