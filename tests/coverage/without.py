"""Runs the test that is named for a call once more with the call taken out: a test that passes all the same has not
read its effect back."""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.coverage.table import Call
from zenml_comet_tracker.comet.transport import REST, Transport


class Without:
    """A plugin of pytest: after each test, the same test without each of the calls that it is named for.

    `noticed` are the calls without which their test fails, for one of its parameters at least; `broken` those whose
    test does not pass with them; `asked` holds what was asked of a server meanwhile.
    """

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls
        self.asked: dict[Call, set[str]] = defaultdict(set)
        self.noticed: set[Call] = set()
        self.broken: set[Call] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        tests = {item.nodeid, item.nodeid.partition("[")[0]}
        calls = [call for call in self._calls if call.test in tests and call not in self.noticed]
        if not calls:
            item.session._setupstate.teardown_exact(nextitem)
            return True
        try:
            self._compare(calls, item)
        finally:
            item.session._setupstate.teardown_exact(nextitem)
        return True

    def _compare(self, calls: Sequence[Call], item: pytest.Item) -> None:
        """Runs a test with all calls, then without one after the other."""
        with _heard() as asked:
            passed = _good(_run(item, _sibling(item), log=True))
        for call in calls:
            self.asked[call] |= asked
        if not passed:
            self.broken.update(calls)
            return
        for call in calls:
            if not self._passes_without(call, item, _sibling(item)):
                self.noticed.add(call)
        unnoticed = [call for call in calls if call not in self.noticed]
        if unnoticed:
            # What its module's fixtures did with the call is still there: once more, with fixtures made without it.
            _run(item, _of_another_module(item), log=False)
        for call in unnoticed:
            if not self._passes_without(call, item, _of_another_module(item)):
                self.noticed.add(call)

    @staticmethod
    def _passes_without(call: Call, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        with taken_out(call):
            return _good(_run(item, nextitem, log=False))


def _run(item: pytest.Item, nextitem: pytest.Item | None, *, log: bool) -> list[pytest.TestReport]:
    """Runs a test; of its fixtures those stay that `nextitem` has too."""
    item._initrequest()  # type: ignore[attr-defined]  # what a test's arguments were is not asked again otherwise
    return runtestprotocol(item, log=log, nextitem=nextitem)


def _good(reports: Sequence[pytest.TestReport]) -> bool:
    return all(report.passed for report in reports)


def _sibling(item: pytest.Item) -> pytest.Item | None:
    others = (other for other in item.session.items if other.path == item.path and other is not item)
    return next(others, _of_another_module(item))


def _of_another_module(item: pytest.Item) -> pytest.Item | None:
    return next((other for other in item.session.items if other.path != item.path), None)


@contextmanager
def _heard() -> Iterator[set[str]]:
    """What this client asks of servers meanwhile: `GET experiment/metadata`, `POST clientlib/asset/upload`."""
    asked: set[str] = set()
    send = Transport._send

    def listen(self: Transport, what: str, *arguments: Any, **options: Any) -> Any:
        method, _, path = what.partition(" ")
        path = path.partition("?")[0]
        asked.add(f"{method} {path.removeprefix(REST)}")
        return send(self, what, *arguments, **options)

    Transport._send = listen  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        Transport._send = send  # type: ignore[method-assign]


@contextmanager
def taken_out(call: Call) -> Iterator[None]:
    """A world in which a call does nothing and gives None, wherever it has been imported to."""
    # The package loads its names when they are asked for.
    assert call.found is not None
    before = inspect.getattr_static(call.owner, call.name)
    stub: Any = property(_nothing) if isinstance(before, property) else _nothing
    places = [(call.owner, call.name)]
    if inspect.ismodule(call.owner):
        places += [
            (module, name)
            for module in list(sys.modules.values())
            for name, value in list(getattr(module, "__dict__", {}).items())
            if value is before
        ]
    elif call.name not in vars(call.owner):
        # A method that a base has: taken out of the class itself, where nothing must be put back.
        setattr(call.owner, call.name, stub)
        try:
            yield
        finally:
            delattr(call.owner, call.name)
        return
    for place, name in places:
        setattr(place, name, stub)
    try:
        yield
    finally:
        for place, name in places:
            setattr(place, name, before)


def _nothing(*_: Any, **__: Any) -> None:
    return None
