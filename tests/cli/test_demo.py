"""`zenml-comet demo` as a new user meets it, in a home of its own; and the registrations it is made of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from zenml_comet_tracker.cli import demo as demo_module
from zenml_comet_tracker.cli import setup
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch

LINE = re.compile(
    r"^(?P<name>train_digits-\S+)_(?P<step>load|train|evaluate)  (?P<url>http://127\.0\.0\.1:\d+/\S+)$", re.M
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home; the server that a demo starts in it is stopped at the end."""
    (tmp_path / "home").mkdir()
    yield tmp_path / "home"
    launch.stop(tmp_path / "home" / ".local" / "share" / "zenml-comet" / "local")


def _demo(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "ZENML_"))}
    foreign = {
        "HOME": str(home),
        "COMET_API_KEY": "the-users-own-key",
        "COMET_URL_OVERRIDE": "http://127.0.0.1:9",
        "COMET_WORKSPACE": "the-users-own",
        "ZENML_STORE_URL": "sqlite:////nowhere/at/all.db",
        "ZENML_ACTIVE_STACK_ID": str(uuid.uuid4()),
    }
    return subprocess.run(
        [sys.executable, "-m", "zenml_comet_tracker.cli.main", "demo", *arguments],
        env={**environment, **foreign},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_demo_leads_a_new_user_to_three_experiments(home: Path) -> None:
    (home / ".comet.config").write_text("[comet]\napi_key=another-key\nworkspace=another\n")

    done = _demo(home)

    assert done.returncode == 0, done.stdout + done.stderr
    steps = {found["step"]: found["url"] for found in LINE.finditer(done.stdout)}
    assert list(steps) == ["load", "train", "evaluate"]
    (link,) = re.findall(r"^Open   (\S+)", done.stdout, re.M)
    with requests.Session() as browser:
        browser.trust_env = False
        assert browser.get(steps["load"], timeout=30).status_code == 401
        landed = browser.get(link, timeout=30)
        assert (landed.status_code, landed.url) == (200, steps["load"].rpartition("/")[0])
        pages = {step: browser.get(url, timeout=30) for step, url in steps.items()}
        assert browser.get(link.replace("code=", "code=x"), timeout=30).status_code != 200
    assert {step: (page.status_code, f"_{step}" in page.text) for step, page in pages.items()} == dict.fromkeys(
        steps, (200, True)
    )
    for word in ("zenml-comet open", "zenml-comet demo", "zenml-comet down"):
        assert word in done.stdout
    assert {path.name for path in (home / ".local" / "share").iterdir()} == {"zenml-comet"}
    assert not (home / ".config" / "zenml").exists()
    assert launch.find(home / ".local" / "share" / "zenml-comet" / "local") is not None


def test_a_pipeline_that_fails_is_told_with_its_log(
    tmp_path: Path, daemon_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise ImportError('no such thing')")
    monkeypatch.setattr(demo_module, "_example", lambda: broken)
    monkeypatch.setenv("ZENML_COMET_LOCAL_DATA", str(daemon_folder))
    monkeypatch.setattr(demo_module, "_COMMAND", [sys.executable, str(broken)])

    result = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path / "demo")])

    assert result.exit_code == 1
    assert "ImportError: no such thing" in result.stderr
    assert str(tmp_path / "demo" / "demo.log") in result.stderr


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(demo_module.NEEDED, "no_such_module", "no-such-package")

    result = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)])

    assert result.exit_code == 5
    assert "no-such-package" in result.stderr
    assert "zenml-comet-tracker[local,examples]" in result.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path / "file" / "demo")])

    assert result.exit_code == 4
    assert "--folder" in result.stderr


def test_the_example_of_an_installed_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "share" / "zenml-comet-tracker" / "examples" / "pipelines" / "train_digits.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(demo_module, "__file__", str(tmp_path / "site" / "package" / "cli" / "demo.py"))
    assert demo_module._example() == installed


def test_registering_again_changes_nothing_and_registering_anew_changes_what_differs(zenml_client: Any) -> None:
    from zenml.enums import StackComponentType

    name = f"demo_{uuid.uuid4().hex[:8]}"
    before = zenml_client.active_stack_model.id

    def register(secret: dict[str, str], configuration: dict[str, Any]) -> tuple[Any, ...]:
        setup.register_flavor(zenml_client)
        setup.register_secret(zenml_client, name, secret)
        setup.register_tracker(zenml_client, name, configuration)
        setup.register_stack(zenml_client, name, name)
        tracker = zenml_client.get_stack_component(StackComponentType.EXPERIMENT_TRACKER, name)
        secrets = zenml_client.get_secret(name).secret_values
        return tracker.id, tracker.updated, tracker.configuration, secrets, zenml_client.active_stack_model.id

    try:
        first = register({"api_key": "one"}, {"url": "local", "workspace": "a"})
        assert register({"api_key": "one"}, {"url": "local", "workspace": "a"}) == first
        anew = register({"key": "two"}, {"url": "local", "project_name": "p"})
        assert anew[2] == {"url": "local", "project_name": "p"}
        assert (anew[0], anew[3], anew[4]) == (first[0], {"key": "two"}, first[4])
        assert zenml_client.active_stack_model.name == name
    finally:
        zenml_client.activate_stack(before)
