"""One file of an artifact, from the server to its place: gone on with where it was cut, checked, then named."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts.places import Overwrite, check_inside, make_folder
from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.resources import assets
from zenml_comet_tracker.comet.resources.artifacts import VersionFile
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

# Of attempts that brought nothing new; each byte gained starts the count anew.
MAX_ATTEMPTS = 6
RANGE_NOT_SATISFIABLE = 416
_PIECE = 1 << 20


@dataclass(frozen=True)
class Fetcher:
    """Downloads files of one version for the experiment `consumer`, which may be empty.

    `told` hears of every byte that is in its place, negative when some have to come again; `stopping` ends it between
    two pieces.
    """

    transport: Transport
    consumer: str
    strategy: Overwrite
    told: Callable[[int], None] = lambda size: None
    stopping: threading.Event = field(default_factory=threading.Event)

    def fetch(self, file: VersionFile, root: Path, target: Path) -> None:
        """Puts the file at `target`, below `root`, or leaves there what the strategy says.

        Raises `DownloadError` when another file is in the way or what comes is damaged, and what the server answers.
        """
        check_inside(root, target)
        if self._leaves(file, target):
            self.told(file.size)
            return
        make_folder(target.parent)
        try:
            with _open_part(part_of(target, file)) as (part, stream):
                self._fill(file, part, stream)
                # Again: a link may have been put there meanwhile.
                check_inside(root, target)
                self._place(part, target)
        except OSError as error:
            if isinstance(error, errors.CometError):
                raise
            raise errors.DownloadError(f"{target} cannot be written: {error.strerror or error}") from None

    def _leaves(self, file: VersionFile, target: Path) -> bool:
        """Whether what is there stays: it is the same, or is to be preserved. Raises `DownloadError` under FAIL."""
        if not os.path.lexists(target):
            return False
        same = self._same(file, target)
        if same:
            return True
        if self.strategy is Overwrite.PRESERVE:
            if not target.exists():
                raise errors.DownloadError(f"{target} is a link to nothing, which cannot be preserved; take it away")
            if same is False:
                logger.warning("%s is there already with other contents, and is preserved.", target)
            return True
        if self.strategy is Overwrite.FAIL and same is False:
            raise _in_the_way(target)
        return False

    def _same(self, file: VersionFile, target: Path) -> bool | None:
        """Whether the file there has the contents that the server has; None when only a download can tell."""
        if not target.is_file() or target.stat().st_size != file.size:
            return False
        return None if file.sha256 is None else _sha256(target) == file.sha256

    def _place(self, part: Path, target: Path) -> None:
        if self.strategy is Overwrite.OVERWRITE or not os.path.lexists(target):
            os.replace(part, target)
            return
        same = target.is_file() and _sha256(target) == _sha256(part)
        part.unlink()
        if not same:
            raise _in_the_way(target)

    def _fill(self, file: VersionFile, part: Path, stream: BinaryIO) -> None:
        """Brings the part to the file's size and checksum, with what an earlier download left of it."""
        resumed = self._receive(file, stream)
        whole = self._is_whole(file, stream)
        if resumed and not whole:
            # What was there before was of something else.
            self._start_over(stream)
            self._receive(file, stream)
            whole = self._is_whole(file, stream)
        if not whole:
            self._start_over(stream)
            part.unlink()
            raise errors.DownloadError(
                f"{file.name} arrived damaged: its {'size' if file.sha256 is None else 'checksum'} is not what the "
                "server says of it. Nothing was written to its place"
            )

    def _receive(self, file: VersionFile, stream: BinaryIO) -> bool:
        """Whether it began with bytes that were there before."""
        had = stream.seek(0, os.SEEK_END)
        if had > file.size:
            stream.truncate(0)
            had = 0
        self.told(had)
        backoff, attempts = Backoff(), 0
        while (start := stream.seek(0, os.SEEK_END)) < file.size:
            try:
                self._receive_from(file, stream, start)
            except errors.RequestError as error:
                gained = stream.seek(0, os.SEEK_END) > start
                attempts = 1 if gained else attempts + 1
                if _cannot_go_on(error) and start:
                    self._start_over(stream)
                elif not error.retryable or attempts >= MAX_ATTEMPTS:
                    raise
                else:
                    self._wait(backoff, error)
            else:
                if stream.seek(0, os.SEEK_END) <= start:
                    # An empty answer, which would come again and again.
                    break
        return had > 0

    def _receive_from(self, file: VersionFile, stream: BinaryIO, start: int) -> None:
        begin, pieces = assets.content(self.transport, self.consumer, file.asset_id, start, file.version_id or None)
        if begin != start:
            self._start_over(stream)
        stream.seek(begin)
        with contextlib.closing(pieces):  # type: ignore[type-var]
            for piece in pieces:
                if self.stopping.is_set():
                    raise errors.DownloadError(f"{file.name} was not waited for: another file could not be downloaded")
                stream.write(piece)
                self.told(len(piece))
                if stream.tell() > file.size:
                    return

    def _start_over(self, stream: BinaryIO) -> None:
        self.told(-stream.seek(0, os.SEEK_END))
        stream.truncate(0)
        stream.seek(0)

    def _is_whole(self, file: VersionFile, stream: BinaryIO) -> bool:
        stream.flush()
        if stream.seek(0, os.SEEK_END) != file.size:
            return False
        if file.sha256 is None:
            return True
        stream.seek(0)
        return _digest(stream) == file.sha256

    def _wait(self, backoff: Backoff, error: errors.RequestError) -> None:
        now = time.monotonic()
        backoff.failed(now, asked=getattr(error, "retry_after", 0.0))
        self.stopping.wait(backoff.until - now)


def part_of(target: Path, file: VersionFile) -> Path:
    """Where a file lies until it is whole. Its name tells which one: another version's part is never gone on with."""
    return target.with_name(f".{file.asset_id[:32]}.part")


@contextlib.contextmanager
def _open_part(part: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """The part, held by one download at a time; whoever finds it held takes another, which does not stay."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        with os.fdopen(os.open(part, flags, 0o666), "r+b") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                break
            # Unless whoever held it has just given it its name.
            if os.path.lexists(part) and os.path.samestat(os.fstat(stream.fileno()), part.lstat()):
                yield part, stream
                return
    own = part.with_name(f".{uuid.uuid4().hex}.part")
    with own.open("x+b") as stream:
        try:
            yield own, stream
        finally:
            own.unlink(missing_ok=True)


def _cannot_go_on(error: errors.RequestError) -> bool:
    return isinstance(error, errors.StatusError) and error.status == RANGE_NOT_SATISFIABLE


def _in_the_way(target: Path) -> errors.DownloadError:
    return errors.DownloadError(
        f"{target} is there already with other contents. Download to another folder, or say overwrite_strategy="
        "'OVERWRITE' to replace it or 'PRESERVE' to keep it"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return _digest(stream)


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()
