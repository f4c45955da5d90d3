"""Weights & Biases: its store is the file that its SDK writes for each run, in mode `offline`."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.parity.peers.guard import NOBODY
from tests.parity.peers.stores import Kept, Peer, flat

_BLOCK, _HEADER = 32768, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class Wandb(Peer):
    """Plays offline."""

    flavor = "wandb"
    key, key_variable = "api_key", "WANDB_API_KEY"
    configuration = {key: "0123456789" * 4, "project_name": "parity"}
    away = {"settings": {"mode": "online"}}, {"WANDB_MODE": "online", "WANDB_BASE_URL": f"http://127.0.0.1:{NOBODY}"}

    def log(self, values: dict[str, float]) -> None:
        import wandb

        wandb.log(values)

    def settle(self) -> None:
        import wandb

        wandb.finish()

    def kept(self) -> list[Kept]:
        # A run that goes on has one file for each process or attempt, all of one id.
        found: dict[str, Kept] = {}
        for path in sorted(self.folder.rglob("run-*.wandb")):
            _read(path, found)
        return list(found.values())


def _read(path: Path, found: dict[str, Kept]) -> None:
    from wandb.proto.wandb_internal_pb2 import Record

    kept = Kept("", "", "running")
    for data in _records(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
            kept = found.setdefault(run.run_id, Kept(run.run_id, run.display_name, "running"))
            kept.status, kept.name = "running", run.display_name
            kept.tags |= set(run.tags)
            for item in run.config.update:
                kept.about |= flat(json.loads(item.value_json), item.key)
            kept.about |= {name: getattr(run, name) for name in ("run_group", "job_type") if getattr(run, name)}
        elif kind == "history":
            _add(
                kept,
                {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item},
            )
        elif kind == "exit":
            code = record.exit.exit_code
            kept.status = "finished" if code == 0 else f"exit code {code}"


def _add(kept: Kept, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if not name.startswith("_") and isinstance(value, int | float):
            kept.values.setdefault(name, []).append(value)


def _records(data: bytes) -> Iterator[bytes]:
    """Of LevelDB's log format, after a header of the file's own."""
    at, parts = _HEADER, b""
    while at + _HEADER <= len(data):
        if _BLOCK - at % _BLOCK < _HEADER:
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEADER])
        if not _FULL <= kind <= _LAST:
            return
        parts = (b"" if kind in (_FULL, _FIRST) else parts) + data[at + _HEADER : at + _HEADER + length]
        at += _HEADER + length
        if kind in (_FULL, _LAST):
            yield parts
