"""A program that forks while another thread holds every lock of this package, and of the libraries that it sends with.

It is given the address and the key of a server, and a folder. The child plays what a child may do, each under its name;
what hangs is the last that is said. The locks that were held are named by the parent.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

HELD = ("zenml_comet_tracker", "urllib3", "requests", "queue")
KINDS = (_thread.LockType, type(threading.RLock()))


class Holder:
    """A thread that holds locks from the last moment before a fork to the first one behind it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._asked, self._held, self._let_go = (_thread.allocate_lock() for _ in range(3))
        for lock in (self._asked, self._held, self._let_go):
            lock.acquire()
        _thread.start_new_thread(self._run, ())
        # Before what forks is imported: then this is called behind all of that, and in front of it afterwards.
        os.register_at_fork(before=self._hold, after_in_parent=self._let_go.release)

    def _hold(self) -> None:
        self._asked.release()
        self._held.acquire()

    def _run(self) -> None:
        while True:
            self._asked.acquire()
            # Whoever holds one already is in the middle of something, or it is the fork itself.
            taken = {name: lock for name, lock in _locks() if lock.acquire(timeout=0.1)}
            self.names = sorted(taken)
            self._held.release()
            self._let_go.acquire()
            for lock in taken.values():
                lock.release()


def _locks() -> Iterator[tuple[str, Any]]:
    """Each once, with a name that no other has."""
    found = {}
    for thing in gc.get_objects():
        owner = _owner(thing)
        if owner.partition(".")[0] in HELD:
            for name, value in _members(thing):
                found.setdefault(id(value), (f"{owner}.{name} {len(found)}", value))
    return iter(found.values())


def _owner(thing: Any) -> str:
    if isinstance(thing, ModuleType):
        return thing.__name__
    if isinstance(thing, functools.cached_property):
        return f"{thing.func.__module__}.{thing.func.__qualname__}"
    return "" if isinstance(thing, type) else f"{type(thing).__module__}.{type(thing).__qualname__}"


def _members(thing: Any) -> Iterator[tuple[str, Any]]:
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    found = {name: getattr(thing, name, None) for name in names} | dict(getattr(thing, "__dict__", {}))
    for name, value in found.items():
        value = value._cond if isinstance(value, threading.Event) else value
        value = value._lock if isinstance(value, threading.Condition) else value
        if isinstance(value, KINDS):
            yield name, value


def main(url: str, api_key: str, folder: Path) -> None:
    """Forks once, and says what came of it."""
    holder = Holder()
    from zenml_comet_tracker import API, Artifact, Experiment
    from zenml_comet_tracker.comet.capture import CaptureOptions

    def experiment(**more: Any) -> Experiment:
        return Experiment(api_key, "held", url=url, journal_folder=folder, **more)

    def artifact(name: str) -> Artifact:
        made = Artifact(name, "data")
        made.add(__file__)
        return made

    mine = experiment(capture=CaptureOptions(log_error=True, log_git_info=True, log_system_metrics=True))
    print("in the parent", file=sys.stderr)
    assert mine.flush(30)
    api = API(api_key, url=url)
    read = api.get_experiment_by_key(mine.id)
    assert read is not None
    read.log_other("by", "the parent")
    upload = mine.log_artifact(artifact("uploaded"))
    upload.wait(30)

    def log_to_a_new_one() -> None:
        new = experiment()
        new.log_metric("m", 1)
        assert new.end(30).delivered

    tasks: dict[str, Callable[[], Any]] = {
        "metric": lambda: mine.log_metric("m", 1),
        "metrics": lambda: mine.log_metrics({"m": 2}),
        "parameters": lambda: mine.log_parameters({"p": 1}),
        "other": lambda: mine.log_other("o", 1),
        "file": lambda: mine.log_asset_data(b"x", "name"),
        "tag": lambda: mine.add_tag("tag"),
        "print": lambda: print("in the child", file=sys.stderr),
        "refused": lambda: mine.log_metric("m", object()),
        "pickle": lambda: pickle.loads(pickle.dumps(mine)).log_metric("m", 3),
        "environment": mine.env,
        "url": lambda: mine.url,
        "api": api.get_workspaces,
        "read": read.get_name,
        "write": lambda: read.log_other("by", "the child"),
        "the parent's upload": lambda: upload.assets,
        "artifact": lambda: mine.log_artifact(artifact("the child's")).wait(30),
        "new": log_to_a_new_one,
        "flush": lambda: mine.flush(30),
        "end": lambda: mine.end(30),
    }
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(BaseException):
            for name, task in tasks.items():
                os.write(said, f"{name}\n".encode())
                task()
            os._exit(0)
        os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    held = sorted({name.split()[0] for name in holder.names})
    print(status, (folder / "said").read_text().splitlines()[-1], *held, sep="\n")
    assert mine.end(30).delivered


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
