"""COMET_LOGGING_FILE: requests and decisions in a file, nothing secret in it, nothing else on the console."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker.comet import logging_file
from zenml_comet_tracker.comet.connection import connect
from zenml_comet_tracker.comet.errors import UnauthorizedError
from zenml_comet_tracker.comet.logging_file import PACKAGE, disable_logging
from zenml_comet_tracker.comet.resources import account
from zenml_comet_tracker.comet.settings import resolve


@pytest.fixture(autouse=True)
def _enabled_again() -> Iterator[None]:
    package = logging.getLogger(PACKAGE)
    before = (package.level, package.propagate)
    yield
    disable_logging()
    logging_file._disabled = False
    assert (package.level, package.propagate) == before
    assert not any(isinstance(handler, logging.FileHandler) for handler in package.handlers)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "comet.log"
    monkeypatch.setenv("COMET_LOGGING_FILE", str(path))
    return path


def _said_here(file: Path) -> list[str]:
    return re.findall(r"comet\.somewhere: (.*)", file.read_text())


def test_requests_stand_in_it_and_the_key_does_not(
    local_server: LocalServer, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COMET_LOGGING_FILE_LEVEL", "debug")
    with connect(local_server.api_key, url=local_server.url) as connection:
        workspaces = account.workspaces(connection.transport)
        connection.transport.get_json("api/rest/v2/workspaces", {"echo": local_server.api_key})
    with connect("wrong-key-wrong-key", url=local_server.url) as connection, pytest.raises(UnauthorizedError):
        account.workspaces(connection.transport)
    text = file.read_text()
    assert workspaces
    assert f"GET {local_server.url}/api/rest/v2/workspaces: status 200" in text
    assert "status 401" in text
    assert f"{local_server.url}, workspace None, project None" in text
    assert "wrong-key" not in text
    assert local_server.api_key not in text
    # What the file wants is no reason to fill the console.
    assert caplog.messages == []


def test_the_console_gets_what_it_got(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COMET_LOGGING_FILE_LEVEL", "DEBUG")
    resolve(api_key="k")
    logger = logging.getLogger(f"{PACKAGE}.comet.somewhere")
    logger.debug("detail")
    logger.warning("problem")
    assert caplog.messages == ["problem"]
    assert _said_here(file) == ["detail", "problem"]
    disable_logging()
    logger.warning("later")
    resolve(api_key="k")
    logger.warning("and later")
    assert caplog.messages == ["problem", "later", "and later"]
    assert "later" not in file.read_text()


def test_errors_only(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".comet.yml").write_text("COMET_LOGGING_FILE_LEVEL: ERROR\n")
    resolve(api_key="k")
    logger = logging.getLogger(f"{PACKAGE}.comet.somewhere")
    logger.warning("problem")
    logger.error("fault")
    assert _said_here(file) == ["fault"]


@pytest.mark.parametrize("level", ["LOUD", ""])
def test_a_level_that_is_none(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, level: str
) -> None:
    monkeypatch.setenv("COMET_LOGGING_FILE_LEVEL", level)
    for _ in range(2):
        resolve(api_key="k")
    assert len(caplog.messages) == bool(level)
    logging.getLogger(f"{PACKAGE}.comet.somewhere").info("taken")
    assert "taken" in file.read_text()


def test_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COMET_LOGGING_FILE", str(tmp_path / "no" / "such" / "folder"))
    for _ in range(2):
        assert resolve(api_key="k").api_key == "k"
    assert len(caplog.messages) == 1
    assert "COMET_LOGGING_FILE" in caplog.text
