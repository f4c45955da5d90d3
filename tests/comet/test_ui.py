"""The `ui` of panel scripts: the official SDK's names, and what each puts on the page."""

from __future__ import annotations

import inspect
import io
import re
from base64 import b64decode
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import comet_ml
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.panel_page.page import Page
from zenml_comet_tracker.comet.ui import UI, ui

THEIRS = [name for name in dir(comet_ml.UI) if not name.startswith("_")]


@pytest.fixture
def page() -> Iterator[Page]:
    with Page().showing() as shown:
        yield shown


def body(page: Page) -> str:
    return page.body.html()


@pytest.mark.parametrize("name", THEIRS)
def test_every_method_of_the_official_ui_is_here_with_its_arguments(name: str) -> None:
    theirs, ours = getattr(comet_ml.UI, name), getattr(UI, name)
    if callable(theirs):
        expected = [(p.name, p.default, p.kind) for p in inspect.signature(theirs).parameters.values()]
        assert [(p.name, p.default, p.kind) for p in inspect.signature(ours).parameters.values()] == expected


def test_widgets_return_their_defaults(page: Page) -> None:
    assert ui.dropdown("d", ["a", "b"]) == "a"
    assert ui.dropdown("d", ["a", "b"], 1) == "b"
    assert ui.dropdown("d", ["a", "b"], index="b") == "b"
    assert ui.dropdown("d", []) is None
    assert ui.dropdown("d", (n for n in range(3)), format_func=lambda n: f"no. {n}") == 0
    assert ui.dropdown("d", ["a", "b"], multiple=True) == ["a"]
    assert ui.dropdown("d", ["a", "b"], ["b"], multiple=True) == ["b"]
    assert (ui.checkbox("c"), ui.checkbox("c", True)) == (False, True)
    assert (ui.input("i"), ui.input("i", 10)) == ("", 10)
    assert ui.button("Go") is False
    assert (ui.get_progress(), ui.progress("p", 40), ui.get_progress()) == (-1, None, 40)
    ui.reset_progress()
    assert ui.get_progress() == -1
    assert list(ui.progress("p", [1, 2])) == [1, 2]


def test_widgets_return_what_was_set_keep_it_and_call_back() -> None:
    calls: list[Any] = []
    with Page(chosen={"Which": "no. 2", "several": "a, b", "Tick": "true", "Text": "x", "Go": "yes"}).showing():
        chosen = ui.dropdown("Which?", [1, 2], 0, lambda n: f"no. {n}", "key", calls.append, ("changed",))
        assert chosen == ui.session_state["key"] == 2
        assert ui.dropdown("Several:", ["a", "b", "c"], multiple=True) == ["a", "b"]
        assert ui.checkbox("tick")
        assert ui.input("Text") == "x"
        assert ui.button("Go", on_click=lambda **words: calls.append(words), kwargs={"clicked": True})
        ui.checkbox("never set", on_click=calls.append, args=("not called",))
    assert calls == ["changed", {"clicked": True}]


def test_a_choice_that_is_not_offered_is_refused() -> None:
    with Page(chosen={"d": "z"}).showing(), pytest.raises(ConfigurationError, match="'z'; it offers 'a', 'b'"):
        ui.dropdown("d", ["a", "b"])


def pictures(page: Page) -> list[Image.Image]:
    found = re.findall(r'<img [^>]*src="data:image/(\w+);base64,([^"]+)"', body(page))
    return [Image.open(io.BytesIO(b64decode(data))) for _, data in found]


def test_pictures_of_every_kind(page: Page, tmp_path: Path) -> None:
    picture = Image.new("RGB", (4, 3), (200, 10, 20))
    picture.save(tmp_path / "picture.png")
    ui.display(picture)
    ui.display_image(np.asarray(picture))
    ui.display_image(np.asarray(picture) / 255)
    ui.display_image((tmp_path / "picture.png").read_bytes())
    ui.display_image(tmp_path / "picture.png")
    ui.display_image(io.BytesIO((tmp_path / "picture.png").read_bytes()), width=20)
    shown = pictures(page)
    assert [image.getpixel((0, 0)) for image in shown] == [(200, 10, 20)] * 6
    assert body(page).count('width="20"') == 1
    ui.display_image(picture, "jpg")
    assert 'src="data:image/jpeg;' in body(page)


def test_figures_of_matplotlib(page: Page) -> None:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(3, 2))
    figure.gca().plot([1, 2])
    ui.display(figure)
    ui.display_figure(pyplot)
    pyplot.close(figure)
    first, second = pictures(page)
    # Drawn when it was shown: later changes of the figure change nothing.
    assert first.tobytes() == second.tobytes()
    assert min(first.size) > 200


def test_a_plotly_figure_brings_plotly_once(page: Page) -> None:
    import plotly.graph_objects as go

    figure = go.Figure(go.Scatter(y=[1, 2], name="</script><b>"), layout={"height": 300})
    ui.display(figure)
    ui.display_figure(figure)
    ui.display_plotly_figure(figure)
    whole = page.html()
    assert whole.count("Plotly.newPlot(") >= 3
    assert body(page).count("height:300px") == 3
    assert whole.count("plotly.js v") == 1
    assert "</script><b>" not in whole
    assert "cdn.plot.ly/plotly" not in body(page)


def test_tables(page: Page) -> None:
    ui.display(pd.DataFrame({"name": ["a<b>"], "value": [0.5]}), pd.Series([1, 2], name="series"))
    ui.display_table([{"row": n} for n in range(1_200)])
    shown = body(page)
    assert "a&lt;b&gt;" in shown
    assert "<th>series</th>" in shown
    assert "The first 1,000 of 1,200 rows." in shown
    assert shown.count('class="words">a&lt;b&gt;') == 1


def test_texts_are_markdown_to_the_letter_json_or_html(page: Page) -> None:
    ui.display("# Head", "and more")
    ui.display_text("a <b>", "c")
    ui.display_json('{"a": [1]}')
    ui.display({"a": 1}, [1, 2])
    ui.display("<b>", format="text")
    ui.display_markdown("|a|\n|-|\n|1|")
    shown = body(page)
    assert "<h1>Head and more</h1>" in shown
    assert "a &lt;b&gt;\nc" in shown
    assert "<table>" in shown
    assert unescape(shown).count('"a": ') == 2
    assert "iframe" not in shown
    ui.display("<b>bold</b>")
    ui.display_html("<b>bold</b>")
    assert body(page).count('<iframe sandbox="allow-scripts allow-popups"') == 2


def test_other_values_show_what_they_say_of_themselves(page: Page) -> None:
    class Rich:
        def _repr_html_(self) -> str:
            return "<b>rich</b>"

    ui.display(Rich(), 3, None)
    assert "&lt;b&gt;rich" in body(page)
    assert '<p class="text">3</p><p class="text">None</p>' in body(page)


def test_columns_are_filled_each_for_itself(page: Page) -> None:
    left, right = ui.columns([2, 1])
    ui.display_text("below")
    right.display_text("right")
    left.display_text("left")
    shown = body(page)
    assert shown.index("left") < shown.index("right") < shown.index("below")
    assert "flex:2 1 0" in shown
    assert len(ui.columns(3)) == 3


def test_stylesheets_are_the_scripts(page: Page) -> None:
    ui.add_css("p { color: red }")
    ui.add_css("p { color: blue }")
    assert page.html().count("<style>p {") == 2
    ui.set_css("p { color: green }")
    assert "color: red" not in page.html()
    assert "color: green" in page.html()


def test_outside_of_a_run_it_goes_nowhere_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    ui.display_text("a")
    assert ui.dropdown("d", ["a", "b"]) == "a"
    assert [r.message for r in caplog.records if "panel run" in r.message] == [
        "What this script shows goes nowhere: run it with `zenml-comet panel run SCRIPT`."
    ]
