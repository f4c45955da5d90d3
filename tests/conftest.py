"""What every test stands on: an empty home, no real Comet, no credentials of whoever runs the tests.

The environment is set when this file is imported, before ZenML is: ZenML reads its configuration path once.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.delivery.courier import Courier

pytest_plugins = [
    "tests.fixtures.local_server",
    "tests.fixtures.scripted_comet",
    "tests.fixtures.zenml_store",
    "tests.fixtures.browser",
]

# How long an example takes says more about what else the machine does.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# By module, what makes it forget that it said something.
_SAID_ONCE = {
    "comet.delivery.fostering": "_notices.memory.forget",
    "comet.delivery.notices": "_of_servers.clear",
    "comet.delivery.offline": "_said.clear",
    "comet.ui": "_outside.clear",
    "tracker.calls": "_notices.memory.forget",
    "tracker.requirements": "_say_once.cache_clear",
    "tracker.validation": "_say_once.cache_clear",
}

_HOME = Path(tempfile.mkdtemp(prefix="zenml-comet-tests-"))


def _isolate_environment() -> None:
    for name in list(os.environ):
        if name.startswith(("COMET_", "ZENML_", "XDG_")):
            del os.environ[name]
    os.environ.update(
        HOME=str(_HOME),
        XDG_STATE_HOME=str(_HOME / "state"),
        XDG_DATA_HOME=str(_HOME / "data"),
        XDG_CONFIG_HOME=str(_HOME / "config"),
        ZENML_CONFIG_PATH=str(_HOME / "zenml"),
        ZENML_ANALYTICS_OPT_IN="false",
        ZENML_LOGGING_VERBOSITY="WARN",
        ZENML_DISABLE_RICH_TRACEBACK="true",
        COMET_ERROR_TRACKING_ENABLE="false",
        MPLBACKEND="Agg",
    )


_isolate_environment()


@pytest.fixture(autouse=True)
def _no_courier_goes_on() -> Iterator[None]:
    """An experiment that ended undelivered is retried as long as its process lives, here through all later tests."""
    yield
    for courier in _couriers():
        if courier._end is not None:
            courier.stop()


@pytest.fixture(autouse=True)
def _nothing_said_before() -> None:
    """What a process says once, or once a minute, every test hears, whichever were played before it."""
    for name, forget in _SAID_ONCE.items():
        if module := sys.modules.get(f"zenml_comet_tracker.{name}"):
            attrgetter(forget)(module)()


@pytest.fixture(scope="session", autouse=True)
def _home() -> Iterator[Path]:
    yield _HOME
    # Those that were left open too: another session in this process has other servers.
    for courier in _couriers():
        courier.stop()
    shutil.rmtree(_HOME, ignore_errors=True)


def _couriers() -> list[Courier]:
    """What delivers in this process, and has not been stopped."""
    sender = sys.modules.get("zenml_comet_tracker.comet.delivery.sender")
    found = [courier for senders in sender._by_root.values() for courier in senders.records._couriers] if sender else []
    return [courier for courier in found if not courier.stopped]
