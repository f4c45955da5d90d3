"""What ZenML would install into its images, for each way in which the package can have been installed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import zenml_comet_tracker
from zenml_comet_tracker.tracker import requirements

COMMIT = "3f0c2a9d0e5b4c1f8a7d6e5c4b3a29181706f5e4"
SHA = "ab" * 32
NAME = "zenml-comet-tracker"
RELEASED = f"{NAME}==1.2.3"
WHEEL = "https://files.example.com/zenml_comet_tracker-1.2.3-py3-none-any.whl"

# As pip 26 and uv 0.9 write them (PEP 610); None is a distribution that came from an index.
FOUND: dict[str, tuple[Any, str]] = {
    "index": (None, RELEASED),
    "git": (
        {"url": "https://git.example.com/a/b.git", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}},
        f"{NAME} @ git+https://git.example.com/a/b.git@{COMMIT}",
    ),
    "git, a branch of it, below a folder": (
        {
            "url": "https://git.example.com/a/b.git",
            "vcs_info": {"commit_id": COMMIT, "requested_revision": "main", "vcs": "git"},
            "subdirectory": "python",
        },
        f"{NAME} @ git+https://git.example.com/a/b.git@{COMMIT}#subdirectory=python",
    ),
    "git over ssh": (
        {"url": "ssh://git@git.example.com/a/b.git", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}},
        f"{NAME} @ git+ssh://git@git.example.com/a/b.git@{COMMIT}",
    ),
    "git, with a password": (
        {"url": "https://me:canary@git.example.com/a/b.git", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}},
        f"{NAME} @ git+https://git.example.com/a/b.git@{COMMIT}",
    ),
    "git, with a token for a name": (
        {"url": "https://canary@git.example.com:8443/a/b.git", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}},
        f"{NAME} @ git+https://git.example.com:8443/a/b.git@{COMMIT}",
    ),
    "git, with names of variables": (
        {"url": "https://${USER}:${TOKEN}@git.example.com/a/b.git", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}},
        f"{NAME} @ git+https://${{USER}}:${{TOKEN}}@git.example.com/a/b.git@{COMMIT}",
    ),
    "archive": (
        {"url": WHEEL, "archive_info": {"hash": f"sha256={SHA}", "hashes": {"sha256": SHA}}},
        f"{NAME} @ {WHEEL}#sha256={SHA}",
    ),
    "archive, of an older pip": (
        {"url": WHEEL, "archive_info": {"hash": f"sha256={SHA}"}, "subdirectory": "python"},
        f"{NAME} @ {WHEEL}#sha256={SHA}&subdirectory=python",
    ),
    "archive, of uv": ({"url": f"{WHEEL}#egg=x", "archive_info": {}}, f"{NAME} @ {WHEEL}"),
    "archive, with a harmless query": (
        {"url": f"{WHEEL}?raw=true", "archive_info": {}},
        f"{NAME} @ {WHEEL}?raw=true",
    ),
}

# What an image cannot get at, and what of the record the warning names.
UNREACHABLE: dict[str, tuple[str, str]] = {
    "a folder": (json.dumps({"url": "file:///home/me/src", "dir_info": {}}), "/home/me/src"),
    "editable": (json.dumps({"url": "file:///home/me/src", "dir_info": {"editable": True}}), "/home/me/src"),
    "a wheel here": (json.dumps({"url": "file:///tmp/w.whl", "archive_info": {"hashes": {}}}), "/tmp/w.whl"),
    "a repository here": (
        json.dumps({"url": "file:///home/me/repo", "vcs_info": {"commit_id": COMMIT, "vcs": "git"}}),
        "/home/me/repo",
    ),
    "a signed address": (
        json.dumps({"url": f"{WHEEL}?X-Amz-Signature=canary", "archive_info": {}}),
        "files.example.com",
    ),
    "no JSON": ("canary", "direct_url.json"),
    "no record": ('["canary"]', "direct_url.json"),
}


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., metadata.Distribution]:
    """A distribution as an installer leaves it, with this text in its direct_url.json."""

    def make(direct_url: str | None, installer: str = "pip") -> metadata.Distribution:
        folder = tmp_path / "zenml_comet_tracker-1.2.3.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {NAME}\nVersion: 1.2.3\n")
        (folder / "INSTALLER").write_text(f"{installer}\n")
        if direct_url is not None:
            (folder / "direct_url.json").write_text(direct_url)
        return metadata.PathDistribution(folder)

    return make


@pytest.fixture
def _asked_anew() -> Iterator[None]:
    yield
    requirements.installed_pin.cache_clear()


@pytest.mark.parametrize("how", FOUND)
def test_an_image_gets_what_is_installed_here(how: str, installed: Callable[..., metadata.Distribution]) -> None:
    record, wanted = FOUND[how]

    pin = requirements.pin_of(installed(None if record is None else json.dumps(record)))

    assert pin == (wanted, "")
    assert Requirement(wanted).name == NAME
    assert "canary" not in str(pin)


@pytest.mark.parametrize("how", UNREACHABLE)
def test_what_no_image_can_get_at_is_not_asked_for_and_said_why(
    how: str, installed: Callable[..., metadata.Distribution]
) -> None:
    text, named = UNREACHABLE[how]

    pin = requirements.pin_of(installed(text))

    assert pin.requirement is None
    assert named in pin.problem
    assert "canary" not in pin.problem


def test_of_what_conda_installed_the_version_is_asked_for(installed: Callable[..., metadata.Distribution]) -> None:
    built_in = json.dumps({"url": "file:///home/conda/feedstock_root/build_artifacts/x/work", "dir_info": {}})
    assert requirements.pin_of(installed(built_in, installer="conda")).requirement == RELEASED


@pytest.mark.usefixtures("_asked_anew")
def test_one_warning_says_what_to_do_where_images_get_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nowhere(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    requirements.installed_pin.cache_clear()
    monkeypatch.setattr(metadata, "distribution", nowhere)

    assert [requirements.for_images(None, "my_comet") for _ in range(3)] == [set()] * 3

    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    for help_ in ("DockerSettings(requirements=", "parent_image=", "pip wheel", "update my_comet --requirements="):
        assert help_ in said


def test_what_the_component_asks_for_is_all_that_images_get(caplog: pytest.LogCaptureFixture) -> None:
    for wanted in ([], [f"{NAME} @ {WHEEL}"], ["a", "b>=2"]):
        assert requirements.for_images(wanted, "my_comet") == set(wanted)
    assert caplog.records == []


@pytest.mark.long
@pytest.mark.usefixtures("_asked_anew")
def test_zenml_writes_it_into_the_requirements_of_its_images(
    tracked_stack: Callable[..., str],
    zenml_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    installed: Callable[..., metadata.Distribution],
) -> None:
    from zenml.config import DockerSettings
    from zenml.utils.pipeline_docker_image_builder import PipelineDockerImageBuilder

    def files(**settings: Any) -> str:
        gathered = PipelineDockerImageBuilder.gather_requirements_files(
            DockerSettings(**settings), zenml_client.active_stack, log=False
        )
        return "\n".join(text for _, text, _ in gathered)

    requirements.installed_pin.cache_clear()
    released = installed(None)
    monkeypatch.setattr(metadata, "distribution", lambda _: released)
    tracked_stack({"api_key": "k"})
    assert RELEASED in files().splitlines()
    assert NAME not in files(install_stack_requirements=False)

    tracked_stack({"api_key": "k", "requirements": [f"{NAME} @ {WHEEL}", "psutil<8"]})
    assert {f"{NAME} @ {WHEEL}", "psutil<8"} <= set(files().splitlines())
    assert RELEASED not in files()


def test_the_versions_of_package_and_distribution_are_one() -> None:
    assert metadata.version(NAME) == zenml_comet_tracker.__version__
