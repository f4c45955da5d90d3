"""Adoption: a living process delivers what dead ones of its kind left behind.

Of its kind: on the same host, for the same server and API key, in the same journal folder.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from zenml_comet_tracker.comet.delivery.backoff import Backoff
from zenml_comet_tracker.comet.delivery.leftovers import Away, LeftoverDelivery, Outcome
from zenml_comet_tracker.comet.errors import JournalError
from zenml_comet_tracker.comet.journal.discard import sweep
from zenml_comet_tracker.comet.journal.record import Header
from zenml_comet_tracker.comet.journal.survey import Found, age, candidates, is_settled, writer_lives
from zenml_comet_tracker.comet.transport import Transport
from zenml_comet_tracker.filesystem import on_network

logger = logging.getLogger(__name__)

# What the server does not want now it may want when somebody has mended the account, which takes people minutes.
REFUSED_SECONDS = 300.0
RETRY_SECONDS = 0.05
# How long a fork waits for a journal that is being taken.
FORK_SECONDS = 3.0

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


# Called with the outcome when the delivery of one journal is over.
Told = Callable[[Outcome], None]
# Asked about a journal while its records are still there; None when it does not care.
Listener = Callable[[Found], "Told | None"]


def _nobody(_: Found) -> Told | None:
    return None


_listener: Listener = _nobody


def listen(listener: Listener) -> None:
    """Has the process's adopters ask this listener, instead of the one before, about every journal they adopt.

    It is called in the adoption's thread, which it must not hold up; what it raises becomes a warning.
    """
    global _listener
    _listener = listener


@dataclass(frozen=True)
class Kin:
    """What a journal has in common with the process that may adopt it."""

    folder: Path
    root: str
    key_fingerprint: str
    host: str = field(default_factory=socket.gethostname)

    def claims(self, header: Header) -> bool:
        """Whether a journal of this header may be adopted, once its writer is dead."""
        own = (self.root, self.key_fingerprint, self.host)
        return not header.offline and (header.root, header.key_fingerprint, header.host) == own


class Adopter:
    """Finds and delivers the journals that its process may adopt, one after the other.

    Others try it too: the lock of each journal decides, and the loser goes on to the next. A journal that could not be
    delivered is left alone for a while, and a folder on a network file system always.
    """

    def __init__(
        self,
        kin: Kin,
        api_key: str,
        new_transport: Callable[[], Transport],
        *,
        clock: Callable[[], float] = time.monotonic,
        shared_by_network: Callable[[Path], bool] = on_network,
    ) -> None:
        self.kin = kin
        self._api_key = api_key
        self._new_transport = new_transport
        self._clock = clock
        self._shared_by_network = shared_by_network
        self._barred: bool | None = None
        self._headers: dict[Path, Header | None] = {}
        self._failures: dict[Path, Backoff] = {}

    def adopt(self, pause: Callable[[float], bool]) -> int:
        """Delivers what there is; how many journals are done with.

        `pause` is called after each turn with the seconds to wait at least, and answers whether to go on.
        """
        sweep(self.kin.folder)
        return self._deliver_all(self._adoptable(), pause)

    def adopt_children(self, writer: str, pause: Callable[[float], bool]) -> int:
        """The same for the dead children of a writer, and theirs, whether they failed a moment ago or not."""
        done = 0
        while True:
            children = self._dead_descendants(writer)
            done += self._deliver_all(iter(children), pause)
            # Another thread of this process may be at it.
            if not any(child.folder in _at_hand for child in children) or not pause(RETRY_SECONDS):
                return done

    def _adoptable(self) -> Iterator[Found]:
        """Journals of dead writers, those that never failed and the oldest first, without what failed a moment ago."""
        claimed = sorted(self._claimed(), key=lambda found: found[0] in self._failures)
        self._failures = {folder: self._failures[folder] for folder, _ in claimed if folder in self._failures}
        for folder, header in claimed:
            failure = self._failures.get(folder)
            if failure is not None and failure.until > self._clock():
                continue
            if writer_lives(folder) or is_settled(folder):
                continue
            # Asked last: it takes a library, and most processes find nothing to adopt.
            if self._is_barred():
                return
            yield Found(folder, header, alive=False)

    def _dead_descendants(self, writer: str) -> list[Found]:
        """The dead journals of a writer's children and theirs."""
        family = [(folder, header) for folder, header in self._claimed() if header.descends_from(writer)]
        dead = [Found(f, h, alive=False) for f, h in family if not writer_lives(f) and not is_settled(f)]
        return [] if dead and self._is_barred() else dead

    def _claimed(self) -> list[tuple[Path, Header]]:
        """The journals of our kin, dead or alive, oldest first."""
        headers = {folder: self._header(folder) for folder in candidates(self.kin.folder)}
        self._headers = headers
        claimed = [(folder, header) for folder, header in headers.items() if header and self.kin.claims(header)]
        return sorted(claimed, key=lambda found: age(*found))

    def _header(self, folder: Path) -> Header | None:
        """The header, which never changes once it is there; None for a journal that cannot be read."""
        if folder not in self._headers:
            try:
                return Header.load(folder)
            except JournalError:
                return None
        return self._headers[folder]

    def _is_barred(self) -> bool:
        if self._barred is None:
            self._barred = self._shared_by_network(self.kin.folder)
            if self._barred:
                logger.debug("%s is on a network file system: nothing in it is adopted.", self.kin.folder)
        return self._barred

    def _deliver_all(self, journals: Iterator[Found], pause: Callable[[float], bool]) -> int:
        done, away = 0, Away()
        for found in journals:
            outcome = self._deliver(found, pause)
            if outcome is None:
                continue
            done += not outcome.waiting
            if away.by(outcome) or not pause(0.0):
                break
        return done

    def _deliver(self, found: Found, pause: Callable[[float], bool]) -> Outcome | None:
        """What became of one journal; None when it is in other hands, or gone, or broken."""
        try:
            with self._taken(found) as delivery:
                told = _guarded(_listener, found)
                for wait in delivery.turns():
                    if not pause(wait):
                        break
                outcome = delivery.outcome()
        except OSError as error:
            logger.debug("%s is not adopted: %s", found.folder, error)
            self._rest(found, at_least=0.0)
            return None
        self._conclude(found, outcome)
        if told is not None:
            _guarded(told, outcome)
        return outcome

    @contextlib.contextmanager
    def _taken(self, found: Found) -> Iterator[LeftoverDelivery]:
        with _between_forks:
            delivery = LeftoverDelivery(found, self._api_key, self._new_transport, clock=self._clock)
            _at_hand[found.folder] = delivery
        try:
            yield delivery
        finally:
            delivery.close()
            _at_hand.pop(found.folder, None)

    def _conclude(self, found: Found, outcome: Outcome) -> None:
        if outcome.sent:
            logger.info("%d values that an earlier process left in %s are delivered.", outcome.sent, found.folder)
        if outcome.set_aside:
            logger.warning(
                "The server will not take %d values of %s, which keeps them.", outcome.set_aside, found.folder
            )
        if outcome.waiting:
            self._rest(found, at_least=REFUSED_SECONDS if outcome.refused else 0.0)

    def _rest(self, found: Found, *, at_least: float) -> None:
        self._failures.setdefault(found.folder, Backoff()).failed(self._clock(), at_least=at_least)


def _guarded(call: Callable[[Asked], Answer], about: Asked) -> Answer | None:
    """What a listener answers; None when it raises, which must not cost the adoption anything."""
    try:
        return call(about)
    except Exception:
        logger.warning("Nobody is told of an adopted journal.", exc_info=True)
        return None


# What this process is delivering for others, in any thread.
_at_hand: dict[Path, LeftoverDelivery] = {}
# A child that is forked while a journal's lock is being taken would hold that lock for as long as it lives.
_between_forks = threading.Lock()


class _Forks(threading.local):
    """Those that the calling thread is at, a signal handler's within another: whether each took the lock."""

    def __init__(self) -> None:
        self.took: list[bool] = []


_forks = _Forks()


def _before_fork() -> None:
    # Not for ever: a disk may hang.
    _forks.took.append(_between_forks.acquire(timeout=FORK_SECONDS))


def _in_parent() -> None:
    if _forks.took.pop():
        _between_forks.release()


def _in_child() -> None:
    """Lets go of what the parent is delivering."""
    global _between_forks
    _between_forks = threading.Lock()
    _forks.took.clear()
    for delivery in list(_at_hand.values()):
        delivery.forsake()
    _at_hand.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
