"""One experiment from a folder to a server. What the server has already is not sent again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.portable import points
from zenml_comet_tracker.comet.portable.asset_in import AssetSender
from zenml_comet_tracker.comet.portable.experiment_out import DERIVED
from zenml_comet_tracker.comet.portable.files import read_json, read_lines, read_text
from zenml_comet_tracker.comet.portable.target import Target, is_absent, is_key
from zenml_comet_tracker.comet.resources import (
    assets,
    code,
    experiments,
    git,
    graph,
    html,
    others,
    output,
    parameters,
    status,
    system_details,
    tags,
)
from zenml_comet_tracker.comet.resources.experiments import Opening
from zenml_comet_tracker.comet.resources.others import NAME_KEY

_ADDED_TO = "logAdditionalSystemInfoList"
_LINE_CHARACTERS = 64 << 10
_LINES_AT_ONCE = 1_000


def take(target: Target, folder: Path) -> None:
    """Imports the experiment in `folder`, all but how it ended; `target.keys` knows its key then."""
    metadata = read_json(folder / "experiment.json")
    exported = str(metadata["experimentKey"])
    key, fresh = _find_key(target, exported)
    target.keys[exported] = key
    opening = Opening(key, target.workspace, target.project_name, metadata.get("startTimeMillis") or 0, join=not fresh)
    handshake = target.server.ask(experiments.open_experiment, target.api_key, opening)
    target.handshakes[key] = handshake
    sender = _Facts(target, key, folder, fresh)
    sender.send_values(metadata)
    sender.send_texts()
    sender.send_system()
    there = set() if fresh else {str(asset["assetId"]) for asset in target.server.ask(assets.of_experiment, key)}
    AssetSender(target, key, handshake, folder).send(read_lines(folder / "assets.jsonl"), there)


def finish(target: Target, folder: Path) -> None:
    """Says how the experiment in `folder` ended, and when; last, because nothing is logged to what was put aside."""
    metadata = read_json(folder / "experiment.json")
    key = target.keys[str(metadata["experimentKey"])]
    ask = target.server.ask
    crashed, ended_as = bool(metadata.get("hasCrashed")), "stopped" if metadata.get("status") == "stopped" else None
    ask(status.write, key, alive=False, crashed=crashed, error=metadata.get("error"), ended_as=ended_as)
    ask(status.set_times, key, metadata.get("startTimeMillis"), metadata.get("endTimeMillis"))
    if metadata.get("running"):
        target.notes.append(f"Experiment {key} ran when it was exported; its copy ends at that moment.")
    if metadata.get("archived"):
        ask(experiments.archive, key)


def _find_key(target: Target, exported: str) -> tuple[str, bool]:
    """The key to import it under, and whether it is new on the server: its own unless that is taken elsewhere."""
    for key in (exported, target.own_key(exported)):
        found = _metadata(target, key) if is_key(key) else {}
        if found is None:
            return key, True
        if (found.get("workspaceName"), found.get("projectName")) == (target.workspace, target.project_name):
            return key, False
    raise errors.ExportError(f"Experiment {exported} cannot be imported: the server has its key in another project.")


def _metadata(target: Target, key: str) -> dict[str, Any] | None:
    try:
        return target.server.ask(experiments.metadata, key)
    except errors.StatusError as error:
        if is_absent(error):
            return None
        raise


class _Facts:
    """Sends what is no file: values, texts, what is known of the machine."""

    def __init__(self, target: Target, key: str, folder: Path, fresh: bool) -> None:
        self._server = target.server
        self._notes = target.notes
        self._key = key
        self._folder = folder
        self._fresh = fresh

    def send_values(self, metadata: dict[str, Any]) -> None:
        """Metrics, parameters, others with the name, tags, the path of the program."""
        ask, key = self._server.ask, self._key
        series: Iterable[points.Series] = points.from_file(self._folder / "metrics.jsonl")
        if not self._fresh:
            series = points.not_there(self._server, key, series, self._notes)
        points.write(self._server, key, series)
        rows = (
            parameters.row(row["name"], row["value"], row["timestamp"] or 0)
            for row in self._new("parameters.jsonl", parameters.summary)
        )
        while batch := list(islice(rows, parameters.MAX_BATCH)):
            ask(parameters.write_batch, key, b",".join(map(orjson.dumps, batch)))
        self._send_others(metadata)
        there = set() if self._fresh else set(ask(tags.of_experiment, key))
        names = [name for name in read_json(self._folder / "tags.json") or () if name not in there]
        if names:
            ask(tags.write, key, names)
        if metadata.get("filePath"):
            ask(experiments.set_file_path, key, metadata["filePath"])

    def send_texts(self) -> None:
        """HTML, output, code and graph."""
        ask, key = self._server.ask, self._key
        page = self._text("page.html")
        if page and (self._fresh or ask(html.read, key) != page):
            ask(html.write, key, page, clear=True, millis=0)
        source = self._text("code.txt")
        if source and (self._fresh or ask(code.read, key) != source):
            ask(code.write, key, source)
        drawn = self._text("graph.txt")
        if drawn and (self._fresh or ask(graph.read, key) != drawn):
            ask(graph.write, key, drawn)
        self._send_output(self._text("output.txt") or "")

    def send_system(self) -> None:
        """System details, git metadata and patch."""
        ask, key = self._server.ask, self._key
        known = {} if self._fresh else ask(system_details.read, key)
        details = read_json(self._folder / "system.json") or {}
        there = known.get(_ADDED_TO) or []
        details[_ADDED_TO] = [entry for entry in details.get(_ADDED_TO) or () if entry not in there]
        new = {
            name: value
            for name, value in details.items()
            if name not in DERIVED and value not in (None, []) and value != known.get(name)
        }
        if new:
            ask(system_details.write, key, new)
        source = read_json(self._folder / "git.json")
        if source:
            ask(git.write_metadata, key, source)
        patch = self._folder / "git.patch"
        if patch.exists() and (self._fresh or ask(git.read_patch, key) is None):

            def send(transport: Any) -> None:
                with patch.open("rb") as file:
                    git.write_patch(transport, key, file, file_name="git.patch")

            ask(send)

    def _send_others(self, metadata: dict[str, Any]) -> None:
        named = False
        for row in self._new("others.jsonl", others.summary):
            named = named or row["name"] == NAME_KEY
            self._server.ask(others.write, self._key, row["name"], row["value"], row["timestamp"] or 0)
        name = metadata.get("experimentName")
        if name and not named and self._fresh:
            self._server.ask(others.write, self._key, NAME_KEY, name, metadata.get("startTimeMillis") or 0)

    def _send_output(self, text: str) -> None:
        there = "" if self._fresh or not text else self._server.ask(output.read, self._key)
        if not text.startswith(there):
            self._notes.append(f"Experiment {self._key} has other output on the server, which is left as it is.")
            return
        # Places are counted by pieces, of which there are no more than characters.
        offset = len(there)
        pieces = _pieces(text[len(there) :])
        while batch := list(islice(pieces, _LINES_AT_ONCE)):
            self._server.ask(output.write, self._key, batch, offset=offset, millis=0)
            offset += len(batch)

    def _new(self, file: str, there: Any) -> Iterator[dict[str, Any]]:
        """The facts that the server has not got, or not with this value."""
        known = {} if self._fresh else {row["name"]: row["valueCurrent"] for row in self._server.ask(there, self._key)}
        return (row for row in read_lines(self._folder / file) if known.get(row["name"]) != row["value"])

    def _text(self, name: str) -> str | None:
        return read_text(self._folder / name)


def _pieces(text: str) -> Iterator[str]:
    """Lines with their ends, long ones in parts; only a newline ends a line."""
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        end = min(end, at + _LINE_CHARACTERS)
        yield text[at:end]
        at = end
