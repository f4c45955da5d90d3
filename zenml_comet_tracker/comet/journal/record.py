"""What a journal is made of: its place, its files, its header, and one record per line.

A journal belongs to one writer (a process, or what a fork made of it) of one experiment:

    <folder>/<experiment key>.<writer>/
        header.json              who wrote it, for which server, workspace and project
        writer.lock reader.lock  held (flock) by the living writer, and by whoever delivers
        <lane>.<segment>.jsonl   records, one JSON object a line
        <lane>.cursor            how far the lane is delivered
        <lane>.refused.jsonl     records that the server refused for good, with the reason
        files/<asset id>         bytes kept until they are delivered
        end.json                 the end status, once the experiment has ended
        opened                   exists when the server opened the experiment for this journal, or may have
        end-sent                 exists when the end status is delivered

A record holds `s`, the sequence number of its first value in its lane, and `t`, milliseconds since the epoch; the rest
depends on the lane.
"""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet.errors import JournalError

FORMAT_VERSION = 1

METRICS = "metrics"
PARAMETERS = "parameters"
REST = "rest"
FILES = "files"
LANES = (METRICS, PARAMETERS, REST, FILES)
# The lanes whose records carry several values each, sent together in batches.
BATCHED_LANES = (METRICS, PARAMETERS)

HEADER_FILE = "header.json"
END_FILE = "end.json"
FILES_FOLDER = "files"
WRITER_LOCK = "writer.lock"
READER_LOCK = "reader.lock"
OPENED = "opened"
END_SENT = "end-sent"


def new_writer_id() -> str:
    """A random name for a writer; never a process id, which another process may get later."""
    return uuid.uuid4().hex


def fingerprint(api_key: str) -> str:
    """What a journal says of the key it was written for: enough to recognise it, nothing to use it by."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:12]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Header:
    """Everything a later process needs to deliver the journal, except the key itself."""

    experiment_key: str
    root: str
    key_fingerprint: str
    workspace: str | None = None
    project_name: str | None = None
    writer: str = field(default_factory=new_writer_id)
    parent_writer: str | None = None
    primary: bool = True
    # "create" refuses to join an experiment that somebody else made under the key; "get_or_create" joins it.
    mode: str = "create"
    attempt: int = 1
    started_millis: int = 0
    component_id: str | None = None
    host: str = field(default_factory=socket.gethostname)
    boot_id: str = field(default_factory=_boot_id)
    client_version: str = __version__
    format_version: int = FORMAT_VERSION

    @property
    def folder_name(self) -> str:
        """The journal's own folder below the journal folder."""
        return f"{self.experiment_key}.{self.writer}"

    def save(self, folder: Path) -> None:
        """Writes the header so that a reader sees all of it or nothing."""
        write_whole(folder / HEADER_FILE, orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, folder: Path) -> Header:
        """The header of a journal; `JournalError` when it is missing, broken or of a newer format."""
        try:
            values = orjson.loads((folder / HEADER_FILE).read_bytes())
            version = values["format_version"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JournalError(f"{folder} is no journal: its {HEADER_FILE} cannot be read ({error})") from error
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise JournalError(
                f"{folder} has journal format {version}, this version reads up to {FORMAT_VERSION}; "
                "deliver it with a newer zenml-comet-tracker"
            )
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        try:
            return cls(**known)
        except TypeError as error:
            raise JournalError(f"{folder} is no journal: its {HEADER_FILE} lacks something ({error})") from error


@dataclass(frozen=True)
class End:
    """How the experiment ended: at which time, in which attempt, and with which error if it failed."""

    at_millis: int
    attempt: int
    error: str | None = None

    def save(self, folder: Path, *, sync: bool = False) -> None:
        """Writes the end status; the last one written counts."""
        write_whole(folder / END_FILE, orjson.dumps(asdict(self)), sync=sync)

    @classmethod
    def load(cls, folder: Path) -> End | None:
        """The end status, None while there is none."""
        try:
            return cls(**orjson.loads((folder / END_FILE).read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise JournalError(f"{folder / END_FILE} cannot be read: {error}") from error


@dataclass(frozen=True)
class Record:
    """One line of a lane: its sequence number, its time and its content."""

    sequence: int
    millis: int
    content: dict[str, Any]

    @property
    def values(self) -> int:
        """How many values, and so how many sequence numbers, the record takes."""
        pairs = self.content.get("v")
        return len(pairs) if pairs is not None else 1


def parse_line(line: bytes) -> Record | None:
    """The record of a line, None for one that is torn or no record."""
    try:
        content = orjson.loads(line)
        return Record(content["s"], content["t"], content)
    except (ValueError, KeyError, TypeError):
        return None


def segment_name(lane: str, number: int) -> str:
    """The file name of a lane's segment; numbers start at 1."""
    return f"{lane}.{number:08d}.jsonl"


def write_whole(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Puts `data` in place at once, mode 0600; `OSError` when the disk does not take all of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(f"{path} was not written whole")
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
