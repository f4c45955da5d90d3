"""The files of one version on their way to the server: in parallel, repeated where that helps, the version closed when
all are there.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar, cast

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.artifacts import registration
from zenml_comet_tracker.comet.artifacts.record import Done, UploadRecord
from zenml_comet_tracker.comet.artifacts.registration import Registered
from zenml_comet_tracker.comet.artifacts.sources import HashingReader, Source
from zenml_comet_tracker.comet.delivery.backoff import UNANSWERED_MEANS_AWAY, Backoff
from zenml_comet_tracker.comet.resources import artifacts
from zenml_comet_tracker.comet.resources.artifacts import CLOSED, ERROR, NewVersion, RemoteFile, Version, VersionFile
from zenml_comet_tracker.comet.resources.assets import AssetUpload
from zenml_comet_tracker.comet.resources.experiments import Handshake
from zenml_comet_tracker.comet.transport import Transport

logger = logging.getLogger(__name__)

# The transport keeps eight connections, and who reads beside the upload wants some.
WORKERS = 4
# Of one file: so many faults of a server that takes the others' are no outage.
MAX_FAULTS = 8
REMOTE_AT_ONCE = 500
# An experiment that is not opened yet is asked for the server's word this often.
ASK_AGAIN_SECONDS = 1.0
_PIECE = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class LocalFile:
    """A file to upload: `size` and `stamp` are the source's when it was logged, `metadata` is JSON text."""

    path: str
    source: Source
    size: int
    stamp: str | None
    metadata: str | None


@dataclass(frozen=True)
class Link:
    """A remote file. `metadata` is JSON text."""

    path: str
    uri: str
    type: str | None
    metadata: str | None


@dataclass(frozen=True)
class Contents:
    """What a version is to be: its labels, its files and links."""

    new: NewVersion
    files: Sequence[LocalFile] = field(default=())
    links: Sequence[Link] = field(default=())


class Upload:
    """Registers a version, brings its files to the server in threads of its own, and closes the version.

    `opening` gives the experiment's handshake, None as long as the server has not given one. While the server is away
    it is asked again, less and less often. What no repeating mends marks the version ERROR. Until all is there the
    version is open, and nobody gets it.
    """

    def __init__(
        self,
        transport: Callable[[], Transport],
        opening: Callable[[], Handshake | None],
        contents: Contents,
        record: UploadRecord,
    ) -> None:
        self._transport = transport
        self._opening = opening
        self.contents = contents
        self.record = record
        self._lock = threading.Lock()
        self._waiting = deque(contents.files)
        self._stopping, self._over, self._settled = (threading.Event() for _ in range(3))
        self._registered: Registered | None = None
        self._unanswered = 0
        self.closed = False
        self.failure: Exception | None = None
        self.moved = time.monotonic()

    def __repr__(self) -> str:
        return f"Upload({self.title!r})"

    @property
    def title(self) -> str:
        """The artifact's name, with workspace and version as soon as the server has said them."""
        version = self.version
        return self.contents.new.name if version is None else f"{version.workspace}/{version.name}:{version.version}"

    @property
    def version(self) -> Version | None:
        """What the server said of the version; None until it is registered."""
        return None if self._registered is None else self._registered.version

    @property
    def over(self) -> bool:
        """Whether nothing more will happen: the version is closed, or the upload failed or was stopped."""
        return self._over.is_set()

    @property
    def away(self) -> bool:
        """Whether the server does not answer."""
        return self._unanswered >= UNANSWERED_MEANS_AWAY

    def start(self) -> None:
        """Begins. The threads do not keep the process alive."""
        threading.Thread(target=self._run, name="zenml-comet-artifact", daemon=True).start()

    def wait_for_version(self, timeout: float) -> Version | None:
        """What the server says of the version; None when it refuses, does not answer, or the time is over."""
        self._settled.wait(timeout)
        return self.version

    def wait(self, timeout: float | None) -> bool:
        """Whether it was over within `timeout` seconds."""
        return self._over.wait(timeout)

    def stop(self) -> None:
        """Sends no further file; the version stays open, and the same artifact logged again goes on."""
        self._stopping.set()

    def become_child(self) -> None:
        """In a forked child, where nobody uploads: who waits for it there is told so."""
        self.record.forsake()
        if not self.over:
            self.failure = self.failure or errors.DeliveryError(
                f"Artifact {self.title} is uploaded by the process that logged it; wait for it there, before the fork"
            )
        self._stopping, self._over, self._settled = (threading.Event() for _ in range(3))
        for event in (self._stopping, self._over, self._settled):
            event.set()

    def describe(self) -> str:
        """One line: what became of it."""
        if self.closed:
            return f"Artifact {self.title} is uploaded."
        done = f"{len(self.record.done)} of {len(self.contents.files)} files are there"
        if self.failure is not None:
            return f"Artifact {self.title} could not be uploaded ({done}), and nobody can get it: {self.failure}"
        away = ", the server does not answer" if self.away else ""
        return (
            f"Artifact {self.title} is not uploaded whole ({done}{away}); to go on, call `zenml-comet sync` or log the "
            "same artifact to the same experiment."
        )

    def _run(self) -> None:
        try:
            self._bring_all()
        except Exception as error:
            self._fail(error)
        finally:
            self.record.close(finished=self.closed or (self.failure is not None and self._failed_for_good()))
            self._over.set()
            self._settled.set()

    def _bring_all(self) -> None:
        registered = self._register()
        if registered is None:
            return
        self._registered = registered
        self._settled.set()
        there = self._there(registered) if registered.resumed else None
        if there is not None:
            # What the server does not have is not done, whatever was noted.
            for asset_id in self.record.done.keys() - there.keys():
                del self.record.done[asset_id]
        self._link(registered, there or {})
        workers = [
            threading.Thread(target=self._work, args=(registered,), name="zenml-comet-artifact-file", daemon=True)
            for _ in range(min(WORKERS, len(self._waiting)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.failure is not None:
            raise self.failure
        if not self._stopping.is_set():
            self._check(registered)
            self._persist(lambda transport: _set_state(transport, registered, CLOSED))
            self.closed = not self._stopping.is_set()

    def _register(self) -> Registered | None:
        while (handshake := self._opening()) is None:
            self._unanswered += 1
            self._settled.set()
            if self._stopping.wait(ASK_AGAIN_SECONDS):
                return None
        self._unanswered = 0
        return registration.register(self._persist, handshake, self.contents.new, self.record)

    def _work(self, registered: Registered) -> None:
        while not self._stopping.is_set():
            with self._lock:
                if not self._waiting:
                    return
                file = self._waiting.popleft()
            try:
                self._bring(registered, file)
            except Exception as error:
                named = isinstance(error, OSError) and not isinstance(error, errors.CometError)
                problem = errors.InvalidValueError(f"{file.path}: {error}") if named else error
                with self._lock:
                    self.failure = self.failure or problem
                self._stopping.set()

    def _bring(self, registered: Registered, file: LocalFile) -> None:
        before = self.record.done.get(_asset_id(registered, file.path))
        if before is not None and _unchanged(file, before):
            return
        done = self._persist(lambda transport: self._send(transport, registered, file))
        if done is not None:
            self.record.note(done)

    def _send(self, transport: Transport, registered: Registered, file: LocalFile) -> Done:
        version_id, asset_id = registered.version.version_id, _asset_id(registered, file.path)
        with file.source.open() as stream:
            reader = HashingReader(stream, self._moved)
            told = AssetUpload(asset_id, file.path, metadata=file.metadata)
            try:
                answer = artifacts.upload(transport, registered.handshake, version_id, told, cast("BinaryIO", reader))
            except errors.ConnectionFailedError:
                # A disk that cannot be read is no server that is away.
                if reader.problem is not None:
                    raise reader.problem from None
                raise
        size, sha256 = reader.size, reader.sha256
        if size != file.size or file.source.stamp != file.stamp:
            raise errors.InvalidValueError(
                f"{file.path} was written to after it was logged and before it was uploaded; wait for the upload "
                "(`.wait()` of what log_artifact returns) before the file is changed"
            )
        if answer.get("fileSize", size) != size or answer.get("sha256", sha256) != sha256:
            raise errors.BrokenAnswerError(f"The server has stored something else of {file.path} than was sent")
        return Done(asset_id, size, sha256, file.stamp)

    def _link(self, registered: Registered, there: dict[str, VersionFile]) -> None:
        links = [
            RemoteFile(_asset_id(registered, x.path), x.path, x.uri, x.type, x.metadata) for x in self.contents.links
        ]
        missing = [link for link in links if link.asset_id not in there]
        for start in range(0, len(missing), REMOTE_AT_ONCE):
            some = missing[start : start + REMOTE_AT_ONCE]
            self._persist(lambda transport, some=some: _add_links(transport, registered, some))  # type: ignore[misc]

    def _there(self, registered: Registered) -> dict[str, VersionFile] | None:
        """The files that the server has of the version so far; None where it does not tell."""
        if not registered.handshake.journal_lanes:
            return None
        version_id = registered.version.version_id
        found = self._persist(lambda transport: artifacts.files(transport, version_id=version_id))
        return None if found is None else {file.asset_id: file for file in found}

    def _check(self, registered: Registered) -> None:
        """Looks at what is there before the version is closed. Raises `BrokenAnswerError` when something is missing."""
        there = self._there(registered)
        if there is None:
            return
        for file in self.contents.files:
            asset_id = _asset_id(registered, file.path)
            done, found = self.record.done[asset_id], there.get(asset_id)
            if found is None or found.size != done.size or found.sha256 not in (None, done.sha256):
                raise errors.BrokenAnswerError(f"{file.path} was uploaded, and is not on the server as it was sent")

    def _persist(self, call: Callable[[Transport], T]) -> T | None:
        """What the call gives, repeated while that may help; None when the upload is stopped meanwhile."""
        backoff, faults = Backoff(), 0
        while not self._stopping.is_set():
            try:
                answer = call(self._transport())
            except errors.RequestError as error:
                faults += isinstance(error, errors.ServerFaultError | errors.TryAgainError | errors.BrokenAnswerError)
                if not error.retryable or faults >= MAX_FAULTS:
                    raise
                self._unanswered += isinstance(error, errors.ConnectionFailedError)
                if self.away:
                    self._settled.set()
                now = time.monotonic()
                backoff.failed(now, asked=getattr(error, "retry_after", 0.0))
                self._stopping.wait(backoff.until - now)
            else:
                self._unanswered = 0
                self._moved(0)
                return answer
        return None

    def _failed_for_good(self) -> bool:
        """Whether nobody is to go on: it failed once more, or the caller is told that nothing was logged."""
        if self._registered is not None:
            return self._registered.resumed
        return self.record.made is None and not self._settled.is_set()

    def _fail(self, error: Exception) -> None:
        # Who waits for the version is told by the error itself.
        unheard = self._settled.is_set()
        self.failure = error
        if self._registered is not None:
            try:
                _set_state(self._transport(), self._registered, ERROR)
            except errors.CometError as second:
                logger.debug("%s could not be marked as failed: %s", self.title, second)
        if unheard:
            logger.warning("%s", self.describe())

    def _moved(self, _: int) -> None:
        self.moved = time.monotonic()


def _asset_id(registered: Registered, path: str) -> str:
    """The same for a file that is sent again: the server replaces it, and has it once."""
    return hashlib.sha256(f"{registered.version.version_id}/{path}".encode()).hexdigest()[:32]


def _set_state(transport: Transport, registered: Registered, state: str) -> None:
    artifacts.set_state(transport, registered.handshake.experiment_key, registered.version.version_id, state)


def _add_links(transport: Transport, registered: Registered, links: Sequence[RemoteFile]) -> None:
    artifacts.add_remote(transport, registered.handshake, registered.version.version_id, links)


def _unchanged(file: LocalFile, done: Done) -> bool:
    """Whether the file still has the bytes that the server got. Raises `OSError`."""
    if file.size != done.size:
        return False
    if done.stamp is not None and file.stamp == done.stamp:
        return True
    digest = hashlib.sha256()
    with file.source.open() as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest() == done.sha256
