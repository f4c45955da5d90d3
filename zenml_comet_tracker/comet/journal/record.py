"""What a journal is made of: its place, its files, its header, and one record per line.

A journal belongs to one writer (a process, or what a fork made of it) of one experiment:

    <folder>/<experiment key>.<writer>/
        header.json              who wrote it, for which server, workspace and project
        writer.lock reader.lock  held (flock) by the living writer, and by whoever delivers
        <lane>.<first>.jsonl     a segment: records, one JSON object a line
        <lane>.cursor            how far the lane is delivered
        <lane>.refused.jsonl     records that the server refused for good, with the reason
        files/<asset id>         bytes kept until they are delivered
        end.json                 the end status, once the experiment has ended
        opened                   exists when the server opened the experiment for this journal, or may have
        end-sent                 exists when the end status is delivered
        protocol                 `batch` or `rest`: how the server is spoken to
        server-key               the server's own key for the experiment, if it took none of ours

Every value is a line, a JSON object. The lines of a lane are numbered from 1, and a segment is called by the number of
its first. Those of metrics and parameters are what Comet's batch endpoints take, so that a batch is put together from
lines without a look inside.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import socket
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from zenml_comet_tracker import __version__
from zenml_comet_tracker.comet.errors import JournalError

FORMAT_VERSION = 2

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
CURSOR_SUFFIX = ".cursor"
REFUSED_SUFFIX = ".refused.jsonl"
WRITER_LOCK = "writer.lock"
READER_LOCK = "reader.lock"
OPENED = "opened"
END_SENT = "end-sent"
# Other writers, forked or with a handle, may open the experiment before this one does.
SHARED = "shared"
# Which protocol is spoken: `batch` or `rest`.
SPOKEN = "protocol"
# The key under which the server made the experiment, if not under ours, and when that began, in milliseconds.
SERVER_KEY = "server-key"
# Before the name of a journal that is being deleted.
GONE_PREFIX = ".gone-"


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
    # The writers before the parent: what a child's child left is found also when the child's own journal is gone.
    earlier_writers: tuple[str, ...] = ()
    primary: bool = True
    # "create" refuses to join an experiment that somebody else made under the key; "get_or_create" joins it.
    mode: str = "create"
    attempt: int = 1
    started_millis: int = 0
    component_id: str | None = None
    # Which protocol was asked for: "batch", "rest", or "auto".
    protocol: str = "auto"
    # Written to be delivered by `sync`, and by nothing else.
    offline: bool = False
    host: str = field(default_factory=socket.gethostname)
    boot_id: str = field(default_factory=_boot_id)
    client_version: str = __version__
    format_version: int = FORMAT_VERSION

    @property
    def folder_name(self) -> str:
        """The journal's own folder below the journal folder."""
        return f"{self.experiment_key}.{self.writer}"

    def descends_from(self, writer: str) -> bool:
        """Whether the journal is that of a child of a writer, or of a child's child."""
        return writer == self.parent_writer or writer in self.earlier_writers

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
        if version != FORMAT_VERSION:
            raise JournalError(
                f"{folder} has journal format {version}, this version reads format {FORMAT_VERSION}; "
                "deliver it with the version of zenml-comet-tracker that its client_version names"
            )
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        known["earlier_writers"] = tuple(known.get("earlier_writers") or ())
        try:
            return cls(**known)
        except TypeError as error:
            raise JournalError(f"{folder} is no journal: its {HEADER_FILE} lacks something ({error})") from error


@dataclass(frozen=True)
class End:
    """How the experiment ended: at which time, in which attempt, and with which error if it failed.

    `ended_millis` is the time at which the user says that it ended, if that is another one. `ended_as` is "stopped"
    when somebody stopped it, "retrying" when only the attempt ended and another follows.
    """

    at_millis: int
    attempt: int
    error: str | None = None
    ended_millis: int | None = None
    ended_as: str | None = None

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


def encode(rows: list[Any]) -> bytes:
    """The lines of rows. `orjson.JSONEncodeError` (a `TypeError`) for one that JSON cannot hold."""
    return b"".join([orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows])


def rows_of(lines: bytes) -> list[dict[str, Any]]:
    """The rows of whole lines; `ValueError` when one was damaged."""
    rows: list[dict[str, Any]] = orjson.loads(b"[%b]" % lines.rstrip(b"\n").replace(b"\n", b","))
    return rows


def segment_name(lane: str, first: int) -> str:
    """The file name of the segment whose first line has this sequence number."""
    return f"{lane}.{first:016d}.jsonl"


# Anything else, too many open files say, passes: to take it for an end would lose what is there.
GONE = (FileNotFoundError, NotADirectoryError)


def segments(folder: Path, lane: str) -> list[int]:
    """The first sequence numbers of a lane's segments in a journal, in order; none when it is deleted meanwhile."""
    try:
        names = os.listdir(folder)
    except GONE:
        return []
    found = (name.split(".") for name in names if name.startswith(f"{lane}.") and name.endswith(".jsonl"))
    return sorted(int(number) for _, number, _ in found if number.isdigit())


_temporary = itertools.count()


def write_whole(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Puts `data` in place at once, mode 0600; `OSError` when the disk does not take all of it."""
    # A signal handler may write the same file in the middle of this.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{next(_temporary)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(f"{path} was not written whole")
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
