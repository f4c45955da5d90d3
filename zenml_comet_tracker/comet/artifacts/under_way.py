"""Uploads that go on behind the program: what waits for them at the end of an experiment, of the process, in a fork."""

from __future__ import annotations

import atexit
import logging
import os
import time
import weakref
from collections.abc import Iterable

from zenml_comet_tracker.comet.artifacts.upload import Upload
from zenml_comet_tracker.comet.exits import FINISH_TIMEOUT

logger = logging.getLogger(__name__)

# Python does not wake a thread for a signal that comes in the moment before it sleeps.
SIGNALS_SECONDS = 0.5

# Whose experiments nobody has ended yet.
_unwaited: set[UnderWay] = set()
_known: weakref.WeakSet[Upload] = weakref.WeakSet()


class UnderWay:
    """An upload as the end of its experiment sees it."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._said = False
        _unwaited.add(self)
        _known.add(upload)

    @property
    def name(self) -> str:
        """The artifact's name."""
        return self._upload.contents.new.name

    def linger(self) -> None:
        """Waits as long as bytes move and the server answers."""
        upload = self._upload
        while not upload.over and not upload.away and time.monotonic() - upload.moved < FINISH_TIMEOUT:
            upload.wait(SIGNALS_SECONDS)

    def finish(self, timeout: float) -> str | None:
        """Waits at most `timeout` seconds, less when the server is away; what is to be said when it is not uploaded."""
        _unwaited.discard(self)
        deadline, upload = time.monotonic() + timeout, self._upload
        while not upload.over and not upload.away and (left := deadline - time.monotonic()) > 0:
            upload.wait(min(left, SIGNALS_SECONDS))
        if upload.closed:
            return None
        if not self._said:
            self._said = True
            logger.warning("%s", upload.describe())
        return upload.describe()


def wait_for(companions: Iterable[object], name: str) -> None:
    """Waits, as long as they get on, for the uploads of one artifact."""
    for companion in companions:
        if isinstance(companion, UnderWay) and companion.name == name:
            companion.linger()


class Waiting:
    """What was logged offline, and goes nowhere by itself."""

    def __init__(self, said: str) -> None:
        self._said = said

    def linger(self) -> None:
        """There is nothing to wait for."""

    def finish(self, timeout: float) -> str | None:
        """That it waits."""
        return self._said


def _at_exit() -> None:
    """Before the experiments that nobody ended are: what is large is not to be cut after their half minute."""
    try:
        for under_way in list(_unwaited):
            under_way.linger()
    except KeyboardInterrupt:
        logger.debug("The uploads are not waited for any longer.")


def _in_child() -> None:
    _unwaited.clear()
    for upload in list(_known):
        upload.become_child()
    _known.clear()


# Called in reverse order: this one, because it is registered later, comes before the one that ends experiments.
atexit.register(_at_exit)
os.register_at_fork(after_in_child=_in_child)
