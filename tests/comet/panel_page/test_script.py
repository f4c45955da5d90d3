"""Panel scripts as they are written for Comet: run, and looked at."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from tests.fixtures.local_server import LocalServer, begin
from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.comet.panel_page.page import shown
from zenml_comet_tracker.comet.panels import current

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CURVES = Path(__file__).parent / "scripts" / "curves.py"
LOSSES = {"run 0": [3.0, 2.0, 1.0], "run 1": [6.0, 4.0, 2.0]}

Run = Callable[..., tuple[Result, str]]


@pytest.fixture(scope="module")
def keys(local_server: LocalServer) -> dict[str, str]:
    """The keys of two experiments of the project `panel-script` by their names."""
    found = {}
    for name, losses in LOSSES.items():
        key = found[name] = begin(local_server, teamName="panel-script-team", projectName="panel-script")
        local_server.post("write/experiment/log-other", experimentKey=key, key="Name", value=name)
        for step, loss in enumerate(losses):
            for metric, value in {"loss": loss, "accuracy": 1 / (1 + loss)}.items():
                local_server.post(
                    "write/experiment/metric",
                    experimentKey=key,
                    metricName=metric,
                    metricValue=value,
                    step=step,
                    timestamp=1_790_000_000_000 + step,
                )
    return found


@pytest.fixture
def run(local_server: LocalServer, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a script, or the text of one, by the command; the command's end and the page."""
    monkeypatch.setenv("COMET_API_KEY", local_server.api_key)
    monkeypatch.setenv("COMET_URL_OVERRIDE", local_server.url)

    def run_script(script: Path | str, *words: str) -> tuple[Result, str]:
        if isinstance(script, str):
            (tmp_path / "panel.py").write_text(script)
            script = tmp_path / "panel.py"
        page = tmp_path / "page.html"
        place = ["--workspace", "panel-script-team", "--project", "panel-script"]
        done = CliRunner().invoke(main, ["panel", "run", str(script), *place, "-o", str(page), *words])
        return done, page.read_text("utf-8") if page.exists() else ""

    return run_script


def drawn(page: str) -> dict[str, list[float]]:
    """The curves of the page's only plotly figure, by their names, as plotly.js gets them."""
    (written,) = re.findall(r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*(\[.*?\]),\s*\{\"", page, re.DOTALL)
    return {series["name"]: series["y"] for series in json.loads(written)}


def test_a_script_for_comet_runs_and_shows_what_the_server_has(run: Run, browser: Browser, tmp_path: Path) -> None:
    done, page = run(CURVES, "--option", "metric=loss")
    assert done.exit_code == 0, done.output
    assert drawn(page) == {f"{name} loss": values for name, values in LOSSES.items()} | {
        f"{name} accuracy": [1 / (1 + loss) for loss in values] for name, values in LOSSES.items()
    }
    assert "2 experiments" in page
    assert "2 experiments" in done.stdout
    assert "Runs of panel-script" in page
    look_at(browser, tmp_path / "page.html")


def look_at(browser: Browser, file: Path) -> None:
    """What a reader sees of the curves: legend, widgets, the frame of the script's own HTML; and nothing asked for."""
    asked: list[str] = []
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_selector(".plotly .legendtext")
    legend = page.locator(".plotly .legendtext").all_text_contents()
    assert sorted(legend) == sorted(f"{run} {metric}" for run in LOSSES for metric in ("loss", "accuracy"))
    widgets = page.locator(".widget").all_inner_texts()
    assert [text.split("\n") for text in widgets] == [
        ["Select a metric:", "loss"],
        ["Beside it", "accuracy"],
        ["Log scale", "no"],
        ["Title", "Runs of panel-script"],
    ]
    # The frame of the script's own HTML is as tall as it.
    page.wait_for_function("document.querySelector('iframe').style.height")
    own = page.frame_locator("iframe").locator("#own")
    assert own.inner_text() == "HTML of its own"
    within = own.evaluate("document.documentElement.scrollHeight")
    assert within - 1 <= page.locator("iframe").bounding_box()["height"] <= within + 20
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_experiments_and_choices_are_those_of_the_command_line(run: Run, keys: dict[str, str]) -> None:
    words = ["--experiment", keys["run 1"], "--option", "metric=accuracy", "--set", "select a metric=loss"]
    done, page = run(CURVES, *words, "--set", "Beside it=", "--set", "Log scale=yes", "--set", "Title=a=b <i>")
    assert done.exit_code == 0, done.output
    assert drawn(page) == {"run 1 loss": LOSSES["run 1"]}
    assert "1 experiments" in page
    assert '"type":"log"' in page
    assert "a=b <i>" not in page
    assert "a=b &lt;i&gt;" in page


def test_a_script_for_streamlit_runs_too(run: Run, browser: Browser, tmp_path: Path) -> None:
    done, written = run(CURVES.with_name("stream.py"))
    assert done.exit_code == 0, done.output
    assert '"seen": 1' in unescape(written)
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector(".plotly .legendtext")
    assert sorted(page.locator(".plotly .legendtext").all_text_contents()) == sorted(LOSSES)
    assert page.locator(".metric").inner_text().split("\n") == ["Best", "1.0 -1"]
    assert page.locator(".call").inner_text() == "A hint <b>"
    # The figure fits into its column, though it was drawn before there was another one.
    fits = "document.querySelector('.plotly .main-svg').clientWidth <= document.querySelector('.block').clientWidth"
    page.wait_for_function(fits)
    assert page.locator("h1").first.evaluate("head => getComputedStyle(head).color") == "rgb(0, 128, 128)"
    page.close()
    assert "The end" in written


def test_a_script_for_streamlit_may_be_set_and_may_stop(run: Run) -> None:
    lines = ["import streamlit as st", "st.write(st.number_input('N', 1, 9, 2))", "st.button('Go') and st.stop()"]
    done, page = run("\n".join([*lines, "st.write('end')"]), "--set", "go=true", "--set", "N=7")
    assert done.exit_code == 0
    assert '<p class="text">7</p>' in page
    assert "<p>end</p>" not in page


def test_a_call_of_streamlit_that_is_not_there_is_named(run: Run) -> None:
    done, _ = run("import streamlit as st\nst.balloons()")
    assert done.exit_code == 1
    assert "streamlit.balloons is not among the calls" in done.stderr


HOSTILE = """
import comet_ml
ui = comet_ml.ui
bad = "<img src=x onerror=parent.document.title='taken'><script>parent.document.title='taken'</script>"
ui.display(bad)
ui.display_html(bad + "<img src=BEACON>")
ui.display_text(bad)
ui.display_json({bad: bad})
ui.display_markdown("[link](javascript:alert(1)) " + bad)
ui.dropdown(bad, [bad])
ui.input(bad, bad)
ui.add_css("</style>" + bad + "body { background: url(BEACON) }")
print(bad)
raise ValueError(bad)
"""


def test_nothing_that_is_shown_takes_over_the_page_or_calls_home(run: Run, browser: Browser, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as home:
        home.setblocking(False)
        done, _ = run(HOSTILE.replace("BEACON", f"http://127.0.0.1:{home.getsockname()[1]}/beacon.png"))
        assert done.exit_code == 1
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri(), wait_until="load")
        page.wait_for_function("[...document.querySelectorAll('iframe')].every(f => f.style.height)")
        assert page.locator("iframe").count() == 3
        assert page.title() == "panel"
        assert page.locator(".failure").inner_text().count("onerror") == 1
        page.close()
        with pytest.raises(BlockingIOError):
            home.accept()


def test_a_script_that_fails_shows_where_and_what_it_had_shown(run: Run, local_server: LocalServer) -> None:
    script = f"""
        from comet_ml import ui
        ui.display_text("before")
        def compute(key):
            return 1 / 0
        compute({local_server.api_key!r})
    """
    done, page = run("\n".join(line[8:] for line in script.splitlines()))
    assert done.exit_code == 1
    told = unescape(page[page.index('class="failure"') :])
    assert "ZeroDivisionError: division by zero" in told
    assert 'panel.py", line 5, in compute' in told
    assert "runpy" not in told
    assert "before" in page
    assert "ZeroDivisionError" in done.stderr
    assert local_server.api_key not in page + done.output


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        ("def (", 1, "SyntaxError"),
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('nothing to show')", 1, "nothing to show"),
        (r"from comet_ml import ui; ui.display_text('half \ud800 a character')", 0, "half ? a character"),
        ("from comet_ml import ui; ui.display({(1, 2): 3})", 0, "{(1, 2): 3}"),
        ("from comet_ml import ui; ui.display_text('so far'); raise KeyboardInterrupt", 1, "so far"),
        ("from comet_ml import Nothing", 1, "cannot import name 'Nothing'"),
        ("import comet_ml; comet_ml.Nothing", 1, "zenml_comet_tracker has no comet_ml.Nothing"),
        (
            "from comet_ml import API; API().create_project('panel-script-team', 'never')",
            1,
            "would write, and inside a panel",
        ),
        (
            "import threading; from comet_ml import API\n"
            "t = threading.Thread(target=lambda: print('in', API().get_panel_project_name())); t.start(); t.join()",
            0,
            "in panel-script",
        ),
    ],
)
def test_how_scripts_end(run: Run, script: str, code: int, told: str) -> None:
    done, page = run(script)
    assert done.exit_code == code, done.output
    assert told in unescape(page)


def test_the_page_is_where_it_was_asked_for_and_never_in_place_of_the_script(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Goes back to where it was when the test ends.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    done, _ = run("import os; os.chdir('elsewhere')", "--output", "asked.html")
    assert (done.exit_code, (tmp_path / "asked.html").is_file()) == (0, True)
    monkeypatch.chdir(tmp_path)
    done, _ = run("print('mine')", "--output", "panel.py")
    assert done.exit_code == 2
    assert "is the script" in done.stderr
    assert (tmp_path / "panel.py").read_text() == "print('mine')"


def test_the_key_is_in_no_last_word(run: Run, local_server: LocalServer) -> None:
    done, page = run(f"raise SystemExit('no such key: {local_server.api_key}')")
    assert done.exit_code == 1
    assert "no such key: ***" in page
    assert "no such key: ***" in done.stderr
    assert local_server.api_key not in page + done.output


def test_a_run_leaves_everything_as_it_was(run: Run) -> None:
    theirs = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "comet_ml"}
    before = (sys.argv, list(sys.path), sys.modules["__main__"])
    done, _ = run("import sys, comet_ml, comet_ml.api\nprint(sys.argv[0], __name__, comet_ml.api.API is comet_ml.API)")
    assert done.stdout.split()[-2:] == ["__main__", "True"]
    assert (sys.argv, list(sys.path), sys.modules["__main__"]) == before
    assert {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "comet_ml"} == theirs
    assert (shown(), current()) == (None, None)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--set", "Select a metric=speed"], 1, "'speed'; it offers 'accuracy', 'loss'"),
        (["--set", "Log scale=perhaps"], 1, "expected true or false"),
        (["--set", "Colour=red"], 2, "No widget is labelled 'Colour'; there are: 'Select a metric:'"),
        (["--set", "Title"], 2, "'Title' has no '='"),
        (["--option", "=loss"], 2, "expected NAME=VALUE"),
        (["--output", "not/there/page.html"], 2, "not/there"),
    ],
)
def test_a_choice_that_cannot_be_made_is_told(run: Run, words: list[str], code: int, told: str) -> None:
    done, _ = run(CURVES, "--option", "metric=loss", *words)
    assert done.exit_code == code
    assert told in done.stderr
