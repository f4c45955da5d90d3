"""`zenml-comet demo` as a new user meets it, in a home of its own; and the registrations it is made of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from click.testing import CliRunner

from tests.local.pages.test_browser import values
from zenml_comet_tracker.cli import demo as demo_module
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.local import launch

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# What the example logs, stated once more: a demo that logs less is broken.
EPOCHS = 40
METRICS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")

USERS_OWN = "active_stack_id: 5d6f0c1e-4d6b-4a53-9c43-2f3f7a1f6f10\nactive_project_id: null\n"

LINE = re.compile(
    r"^(?P<name>train_digits-\S+)_(?P<step>load|train|evaluate)  (?P<url>http://127\.0\.0\.1:\d+/\S+)$", re.M
)


@dataclass(frozen=True)
class Demo:
    """A demo that has run: its home, what it printed, and the URL of each step's experiment."""

    home: Path
    printed: str

    @property
    def steps(self) -> dict[str, str]:
        return {found["step"]: found["url"] for found in LINE.finditer(self.printed)}

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "zenml-comet" / "local"

    def link(self) -> str:
        """A link that signs a browser in, as the command makes it that the demo names."""
        return run(self.home, "open", "--print").stdout.strip()


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One `zenml-comet` command of a user with this home, whose environment is full of another Comet and ZenML."""
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
        [sys.executable, "-m", "zenml_comet_tracker.cli.main", *words],
        env={**environment, **foreign},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo in a home that is a ZenML repository and has another Comet. Its server is stopped at the end."""
    home = tmp_path_factory.mktemp("home")
    (home / ".comet.config").write_text("[comet]\napi_key=another-key\nworkspace=another\n")
    (home / ".zen").mkdir()
    (home / ".zen" / "config.yaml").write_text(USERS_OWN)
    done = run(home, "demo")
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield Demo(home, done.stdout)
    finally:
        launch.stop(home / ".local" / "share" / "zenml-comet" / "local")


@pytest.mark.long
def test_the_demo_leads_a_new_user_to_three_experiments(demo: Demo) -> None:
    steps = demo.steps
    assert list(steps) == ["load", "train", "evaluate"]
    (printed_link,) = re.findall(r"^Open   (\S+)", demo.printed, re.M)
    link = demo.link()
    assert printed_link.partition("?")[0] == link.partition("?")[0]
    with requests.Session() as browser:
        browser.trust_env = False
        assert browser.get(steps["load"], timeout=30).status_code == 401
        assert browser.get(link, timeout=30).status_code == 200
        pages = {step: browser.get(url, timeout=30) for step, url in steps.items()}
        assert browser.get(link.replace("code=", "code=x"), timeout=30).status_code != 200
    assert {step: (page.status_code, f"_{step}" in page.text) for step, page in pages.items()} == dict.fromkeys(
        steps, (200, True)
    )


@pytest.mark.long
def test_the_demo_says_how_to_go_on_and_touches_nothing_else(demo: Demo) -> None:
    for word in ("zenml-comet open", "zenml-comet demo", "zenml-comet down"):
        assert word in demo.printed
    assert {path.name for path in (demo.home / ".local" / "share").iterdir()} == {"zenml-comet"}
    assert not (demo.home / ".config" / "zenml").exists()
    (own,) = (demo.home / ".zen").iterdir()
    assert own.read_text() == USERS_OWN
    assert launch.find(demo.data) is not None


@pytest.mark.long
@pytest.mark.browser
def test_the_demos_experiments_are_shown_with_every_point(demo: Demo, browser: Browser) -> None:
    server = launch.find(demo.data)
    assert server is not None
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(demo.link())
    for step, url in demo.steps.items():
        page.goto(url)
        title = page.locator("h1").inner_text()
        assert title.endswith(f"_{step}")
        run_name = title.removesuffix(f"_{step}")
        tags = page.locator("[data-tag], .tag").all_inner_texts()
        assert {"train_digits", run_name} <= set(tags)
    page.goto(demo.steps["train"])
    shown = {name: values(page, name) for name in METRICS}
    context.close()

    key = demo.steps["train"].rsplit("/", 1)[-1]
    for name in METRICS:
        answer = requests.get(
            f"{server.url}/api/rest/v2/experiment/metrics/get-metric",
            params={"experimentKey": key, "metricName": name},
            headers={"Authorization": server.api_key},
            timeout=30,
        ).json()["metrics"]
        assert len(shown[name]) == EPOCHS
        assert shown[name] == [float(point["metricValue"]) for point in answer]


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
