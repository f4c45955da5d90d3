"""A journal, its courier and two clocks, against a scripted server that offers as much of Comet as the test wants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.comet.scripted import Answer, Asked, ScriptedComet
from zenml_comet_tracker.comet.delivery.courier import Courier
from zenml_comet_tracker.comet.delivery.quota import REQUESTS, VALUES, Limit, Quota
from zenml_comet_tracker.comet.journal.reader import JournalReader
from zenml_comet_tracker.comet.journal.record import FILES, METRICS, PARAMETERS, REST, End, Header
from zenml_comet_tracker.comet.journal.writer import JournalWriter
from zenml_comet_tracker.comet.resources import metrics, parameters
from zenml_comet_tracker.comet.transport import Transport, TransportOptions

KEY = "k" * 32
SERVER_KEY = "s" * 32
API_KEY = "canary-93b1"
NO_CLIENTLIB = "/clientlib/"
BATCHES = "/clientlib/batch/"
PLENTY = {REQUESTS: Limit(1e6, 3_600), VALUES: Limit(1e6, 60)}


class Spoken:
    """One writer and what delivers it, turn by turn."""

    def __init__(self, comet: ScriptedComet, folder: Path, limits: dict[str, Limit] | None = None, **header: Any):
        self.comet = comet
        self.now = 1_000.0
        self.millis = 1_790_000_000_000
        self.folder = folder
        self._limits = limits or PLENTY
        self.writer = JournalWriter(folder, Header(KEY, comet.root, "abc", **header))
        self.courier = self._new_courier()

    def _new_courier(self) -> Courier:
        quota = Quota(self.folder / "quota.json", self._limits, clock=lambda: self.now)
        return Courier(
            JournalReader(self.writer.folder),
            API_KEY,
            lambda: Transport(self.comet.root, API_KEY, TransportOptions(read_timeout=5)),
            clock=lambda: self.now,
            wall_millis=lambda: self.millis,
            new_quota=lambda: quota,
        )

    def hand_over(self) -> None:
        """Lets another process go on with the journal."""
        self.courier.stop()
        self.courier = self._new_courier()

    def everything(self) -> None:
        """Writes one record of each kind."""
        self.metrics(0, 3)
        lr = parameters.row("lr", 0.1, 5, 3, "train")
        self.writer.append(PARAMETERS, [lr, parameters.row("opt", "adam", 5)])
        for row in (
            {"k": "other", "name": "note", "value": "hi"},
            {"k": "tags", "tags": ["a", "b"]},
            {"k": "html", "html": "<b>", "clear": True},
            {"k": "file_path", "path": "/a/b.py"},
        ):
            self.writer.append(REST, [{"t": 5, **row}])
        self.file("asset", "a1", "x.bin", b"bytes", step=4, metadata='{"a":1}')
        self.file("image", "a2", "y.png", b"picture")

    def metrics(self, start: int, count: int) -> None:
        for i in range(start, start + count):
            self.writer.append(METRICS, [metrics.row("m", float(i), 7, i, 0.5, "train")])

    def file(self, kind: str, asset_id: str, name: str, data: bytes, **more: Any) -> None:
        kept = self.writer.files.keep_bytes(data, asset_id)
        asset = {"asset_id": asset_id, "file_name": name, **more}
        self.writer.append(FILES, [{"k": kind, "t": 5, "file": kept, "asset": asset}])

    def turn(self, advance: float = 0.0) -> float | None:
        self.now += advance
        self.millis += round(advance * 1_000)
        wait = self.courier.deliver_records()
        self.courier.deliver_files()
        self.courier.beat()
        return wait

    def turns(self, count: int, advance: float = 0.0) -> None:
        for _ in range(count):
            self.turn(advance)

    def finish(self, error: str | None = None) -> None:
        end = End(77, self.writer.header.attempt, error)
        self.writer.end(end)
        self.writer.close()
        self.courier.finish(end)
        self.turns(3)

    def note(self, name: str) -> str | None:
        """The text of a fact beside the journal, None when it is not there."""
        assert self.writer.folder is not None
        path = self.writer.folder / name
        return path.read_text() if path.exists() else None

    def close(self) -> None:
        self.courier.stop()
        self.writer.close()


def offer_rest(comet: ScriptedComet, *keys: str) -> None:
    """Documented REST: makes experiments under a key of its own, and knows those and `keys`."""
    comet.lanes = False
    known = set(keys)

    def rule(asked: Asked) -> Answer | None:
        if asked.path.endswith("/write/experiment/create"):
            known.add(SERVER_KEY)
            return Answer(body={"experimentKey": SERVER_KEY, "link": f"{comet.root}/team/proj/{SERVER_KEY}"})
        if asked.path.endswith("/experiment/metadata"):
            if asked.query["experimentKey"] not in known:
                return Answer(404, body={"msg": "no such experiment", "sdk_error_code": 90210})
            return Answer(body={"workspaceName": "team", "projectName": "proj", "projectId": "p9"})
        if asked.path.endswith("/account-details"):
            return Answer(body={"userName": "me", "defaultWorkspaceName": "mine"})
        if asked.path.endswith("/set-status"):
            return Answer(
                body={
                    "isAliveBeatDurationMillis": 15_000,
                    "gpuMonitorIntervalMillis": 50_000,
                    "cpuMonitorIntervalMillis": 0,
                }
            )
        return None

    comet.rules.append(rule)


def refuse(comet: ScriptedComet, beginning: str, answer: Answer) -> None:
    """Answers every request whose path begins so, and no request under REST."""
    comet.rules.insert(0, lambda asked: answer if asked.path.startswith(beginning) else None)


def rest_values(comet: ScriptedComet) -> list[tuple[str, int]]:
    """Key and step of every metric value that came over REST, in order of arrival."""
    return [(a.json["experimentKey"], a.json["step"]) for a in comet.requests("/rest/v2/write/experiment/metric")]
