"""The pages as a reader without scripts gets them."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import requests

from tests.fixtures.local_server import LocalServer, TurnedClock
from tests.local.pages.reading import Page, read
from tests.local.pages.seeds import Seed, attach, log, sow

NASTY = "<script>window.pwned=1</script>\"'&{{7919*7919}}"


def get(server: LocalServer, path: str, status: int = 200, **headers: str) -> requests.Response:
    """The answer at `path`, of that status."""
    answered = server.call("GET", path.removeprefix("/"), headers=headers, allow_redirects=False)
    assert answered.status_code == status, answered.text
    return answered


def page(server: LocalServer, path: str, status: int = 200, **headers: str) -> Page:
    """The page at `path`."""
    return read(get(server, path, status, **headers).text)


def key(number: int) -> str:
    """An experiment key of 32 digits."""
    return f"{number:032x}"


def test_projects_are_listed_with_what_goes_on_in_them(clocked_server: LocalServer, clock: TurnedClock) -> None:
    sow(clocked_server.store, Seed(key(1), project="old"), Seed(key(2), project="old"))
    clock.turn(7_200)
    sow(clocked_server.store, Seed(key(3), project="new", running=True))
    assert page(clocked_server, "/").rows == [
        ["local / new", "1", "1", "just now"],
        ["local / old", "2", "0", "2 hours ago"],
    ]


def test_an_empty_server_says_how_to_begin_without_showing_its_key(clocked_server: LocalServer) -> None:
    answered = get(clocked_server, "/").text
    assert "Nothing has been logged yet" in answered
    assert "experiment.log_metric" in answered
    assert "--flavor=comet_rest" in answered
    assert clocked_server.api_key not in answered


def test_the_table_shows_last_values_and_what_tells_experiments_apart(
    clocked_server: LocalServer, clock: TurnedClock
) -> None:
    common = {"optimizer": "adam"}
    sow(
        clocked_server.store,
        Seed(key(1), "first", tags=["a"], metrics={"loss": [2.0, 0.5]}, parameters={**common, "lr": "0.1"}),
        Seed(key(2), "second", metrics={"loss": [3.0, float("nan")]}, parameters={**common, "lr": "0.2"}),
    )
    clock.turn(60)
    sow(clocked_server.store, Seed(key(3), error="Traceback\nValueError: no", metrics={"f1": [1.0]}, parameters=common))
    shown = page(clocked_server, "/local/general")
    assert shown.headings == ["Status", "Name", "Start", "Duration", "loss", "f1", "lr", "Tags"]
    assert shown.rows == [
        ["failed", key(3), "just now", "1.0 s", "", "1", "", ""],
        ["finished", "second", "1 minute ago", "1.0 s", "NaN", "", "0.2", ""],
        ["finished", "first", "1 minute ago", "1.0 s", "0.5", "", "0.1", "a"],
    ]
    assert "3 experiments" in shown.text
    assert shown.links["first"] == f"/local/general/{key(1)}"


def test_table_links_keep_the_rest_of_the_state(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, *(Seed(key(at), f"run {at}", metrics={"loss": [at]}) for at in range(103)))
    first = page(clocked_server, "/local/general?q=run&sort=metric:loss")
    assert [row[4] for row in first.rows] == [str(at) for at in range(100)]
    assert first.links["loss"] == "?q=run&sort=-metric%3Aloss"
    assert first.links["Name"] == "?q=run&sort=name"
    assert [given.get("aria-sort") for given in first.attributes("th") if given.get("aria-sort")] == ["ascending"]
    second = page(clocked_server, "/local/general" + first.links["Next"])
    assert [row[4] for row in second.rows] == ["100", "101", "102"]
    assert second.links["Previous"] == "?q=run&sort=metric%3Aloss"
    assert "Page 2 of 2" in second.text


def test_nothing_found_is_told_from_nothing_there(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed(key(1), "first"))
    assert "No experiment matches" in page(clocked_server, "/local/general?q=nowhere").text
    assert "There is no page 7" in page(clocked_server, "/local/general?page=7").text
    clocked_server.post("write/project/create", workspaceName="local", projectName="fresh")
    assert "No experiments yet" in page(clocked_server, "/local/fresh").text


@pytest.mark.parametrize("search", ["a" * 1_001, "word " * 51, "a" * 50_001])
def test_a_filter_has_a_size(local_server: LocalServer, search: str) -> None:
    sow(local_server.store, Seed(f"{len(search):036d}", project="sizes"))
    assert page(local_server, "/local/sizes?q=" + quote(search), 400).text.startswith("That cannot be asked")
    assert page(local_server, "/local/sizes?q=" + quote(search[:250])).rows == []


def test_a_path_to_nothing_suggests_nothing(local_server: LocalServer) -> None:
    shown = page(local_server, "/a/b/c/d", 404)
    assert "Did you mean" not in shown.text
    assert shown.links["All projects"] == "/"


@pytest.mark.parametrize("path", ["/local/genral", "/locl/general", "/local/general2"])
def test_an_unknown_project_is_answered_with_near_names(local_server: LocalServer, path: str) -> None:
    sow(local_server.store, *([] if _known(local_server, key(10)) else [Seed(key(10), "near me")]))
    assert page(local_server, path, 404).links["local / general"] == "/local/general"


def test_an_unknown_experiment_is_answered_with_near_keys_and_names(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed("a" * 40, "train digits"), Seed("b" * 40, "something else"))
    by_key = page(clocked_server, f"/local/general/{'a' * 38}", 404)
    assert by_key.links["train digits"] == f"/local/general/{'a' * 40}"
    assert "something else" not in by_key.links
    assert page(clocked_server, "/local/general/train-digit", 404).links["train digits"] == f"/local/general/{'a' * 40}"


def test_an_experiment_is_found_where_it_moved_to(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed(key(1), project="now here"))
    answered = get(clocked_server, f"/local/before/{key(1)}?x=epoch", 307)
    assert answered.headers["location"] == f"/local/now%20here/{key(1)}?x=epoch"


def test_the_head_of_an_experiment(clocked_server: LocalServer, clock: TurnedClock) -> None:
    sow(clocked_server.store, Seed(key(1), "train", tags=["b", "a"], running=True))
    clock.turn(12)
    head = page(clocked_server, f"/local/general/{key(1)}").text
    assert "train running Started just now Duration 12 s" in head
    assert "Tags b a" in head
    clock.turn(600)
    assert "train lost Started 10 minutes ago Duration 0.0 s" in page(clocked_server, f"/local/general/{key(1)}").text


def test_a_failure_shows_what_was_raised_and_the_traceback(clocked_server: LocalServer) -> None:
    trace = 'Traceback (most recent call last):\n  File "train.py", line 1\nValueError: Input contains NaN.\n'
    sow(clocked_server.store, Seed(key(1), error=trace), Seed(key(2), error=""))
    answered = get(clocked_server, f"/local/general/{key(1)}").text
    assert "<summary>ValueError: Input contains NaN.</summary>" in answered
    assert "File &#34;train.py&#34;, line 1" in answered
    assert "It failed and left no message." in page(clocked_server, f"/local/general/{key(2)}").text


def test_every_part_of_an_experiment(clocked_server: LocalServer) -> None:
    sow(
        clocked_server.store,
        Seed(key(1), metrics={"loss": [3.0, 1.0, 2.0]}, parameters={"lr": "0.1"}, others={"dataset": "digits"}),
    )
    log(clocked_server.store, key(1), "stepless", [4.0], first_step=None)
    asset = attach(clocked_server.store, key(1), "model.bin", b"abc", step=2)
    attach(clocked_server.store, key(1), "note.txt", "Ünï <b>".encode(), "text-sample")
    base = f"/local/general/{key(1)}?experiment-tab="
    assert page(clocked_server, base + "metrics").rows == [
        ["loss", "2", "2", "1", "1", "3", "0", "3"],
        ["stepless", "4", "—", "4", "—", "4", "—", "1"],
    ]
    assert page(clocked_server, base + "parameters").rows == [["lr", "0.1"]]
    assert page(clocked_server, base + "params").rows == [["lr", "0.1"]]
    assert page(clocked_server, base + "others").rows == [["dataset", "digits"]]
    files = page(clocked_server, base + "assets")
    assert files.rows[0] == ["model.bin", "asset", "2", "3 B", "just now"]
    assert get(clocked_server, files.links["model.bin"]).content == b"abc"
    assert asset in files.links["model.bin"]
    assert "Ünï <b>" in page(clocked_server, base + "html").text
    charts = page(clocked_server, base + "charts")
    assert [card["data-name"] for card in charts.attributes("article")] == ["loss", "stepless"]
    assert page(clocked_server, base + "no-such-part").attributes("article") == charts.attributes("article")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"labels": ["cat", "dog"], "matrix": [[9, 1], [0, 4]]}, [["cat", "9", "1"], ["dog", "0", "4"]]),
        ({"matrix": [[9, 1], [0]]}, []),
        ({"labels": ["cat"], "matrix": "no"}, []),
        ({"labels": None, "matrix": [[2]]}, [["0", "2"]]),
        ([1, 2], []),
    ],
)
def test_a_confusion_matrix_is_a_table_when_it_is_one(
    clocked_server: LocalServer, content: object, shown: list[list[str]]
) -> None:
    sow(clocked_server.store, Seed(key(1)))
    attach(clocked_server.store, key(1), "matrix.json", json.dumps(content).encode(), "confusion-matrix")
    rows = page(clocked_server, f"/local/general/{key(1)}?experiment-tab=assets").rows
    assert [row for row in rows if row[0] != "matrix.json"] == shown


def test_markup_in_every_field_is_text(clocked_server: LocalServer) -> None:
    bad = Seed(
        key(1),
        NASTY,
        project="general",
        error=f"{NASTY}\n{NASTY}",
        tags=[NASTY],
        metrics={NASTY: [1.0]},
        parameters={NASTY: NASTY},
        others={NASTY: NASTY},
    )
    # A second one, so that the first one's parameter tells them apart.
    sow(clocked_server.store, bad, Seed(key(2)))
    attach(clocked_server.store, key(1), f"{NASTY}.png", b"no picture", "image", grouping_name=NASTY)
    attach(clocked_server.store, key(1), "t", NASTY.encode(), "text-sample")
    matrix = {"title": NASTY, "labels": [NASTY], "matrix": [[1]], "rowLabel": NASTY, "columnLabel": NASTY}
    attach(clocked_server.store, key(1), "m", json.dumps(matrix).encode(), "confusion-matrix")
    tabs = ("charts", "metrics", "parameters", "others", "assets", "html")
    paths = ["/local/general", *(f"/local/general/{key(1)}?experiment-tab={tab}" for tab in tabs)]
    for path in paths:
        answered = get(clocked_server, path).text
        assert "<script>window" not in answered
        assert "62710561" not in answered
        assert all(str(given.get("src")).startswith("/static/") for given in read(answered).scripts)
        assert not [name for _, given in read(answered).tags for name in given if name.startswith("on")]
    for path in (
        f"/local/{quote(NASTY, safe='')}",
        f"/local/general/{quote(NASTY, safe='')}",
        "/local/general?q=" + quote(NASTY),
    ):
        answered = get(clocked_server, path, 200 if "?" in path else 404).text
        assert "<script>window" not in answered


def test_logged_html_has_no_rights(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed(key(1), html="<p>hello</p><script>parent.pwned = 1</script>"))
    frame = page(clocked_server, f"/local/general/{key(1)}?experiment-tab=html").attributes("iframe")[0]
    assert frame["sandbox"] in (None, "")
    answered = get(clocked_server, str(frame["src"]))
    assert answered.text.startswith("<p>hello</p>")
    rights = answered.headers["content-security-policy"]
    assert rights.startswith("sandbox; default-src 'none'")
    assert "allow" not in rights
    assert answered.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("name", "content", "kind", "shown"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n rest", "image/png", "inline"),
        ("a.png", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.html", b"<script>alert(1)</script>", "application/octet-stream", "attachment"),
        ("a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml", "inline"),
        ("../../ü\r\n.bin", b"x", "application/octet-stream", "attachment"),
    ],
)
def test_files_are_images_or_downloads(
    clocked_server: LocalServer, name: str, content: bytes, kind: str, shown: str
) -> None:
    sow(clocked_server.store, Seed(key(1)))
    asset = attach(clocked_server.store, key(1), name, content)
    answered = get(clocked_server, f"/page-data/experiments/{key(1)}/assets/{asset}")
    assert answered.content == content
    assert answered.headers["content-type"].split(";")[0] == kind
    assert answered.headers["content-disposition"].split(";")[0] == shown
    assert answered.headers["content-security-policy"].startswith("sandbox")
    assert answered.headers["x-content-type-options"] == "nosniff"


def test_a_file_belongs_to_its_experiment(clocked_server: LocalServer) -> None:
    sow(clocked_server.store, Seed(key(1)), Seed(key(2)))
    asset = attach(clocked_server.store, key(1), "a", b"x")
    own = get(clocked_server, f"/page-data/experiments/{key(1)}/assets/{asset}")
    foreign = get(clocked_server, f"/page-data/experiments/{key(2)}/assets/{asset}", 404)
    outside = get(clocked_server, f"/page-data/experiments/{key(1)}/assets/../../../../etc/passwd", 404)
    assert [answered.status_code for answered in (own, foreign, outside)] == [200, 404, 404]
    assert "root:" not in outside.text


def test_the_theme_is_right_from_the_first_byte(local_server: LocalServer) -> None:
    themes = {
        given: page(local_server, "/", Cookie=f"zenml_comet_theme={given}").attributes("html")[0].get("data-theme")
        for given in ("dark", "light", '"><script>')
    }
    assert themes == {"dark": "dark", "light": "light", '"><script>': None}


def test_scripts_and_styles_are_kept_and_packed(local_server: LocalServer) -> None:
    shown = page(local_server, "/")
    for path in [str(given["src"]) for given in shown.scripts] + [str(shown.attributes("link")[1]["href"])]:
        answered = get(local_server, path)
        assert answered.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answered.headers["content-encoding"] == "gzip"
    get(local_server, str(shown.scripts[0]["src"]).replace("overview.js", "..%2Fviews.py"), 404)
    old = get(local_server, "/static/0000/page.css")
    assert old.headers["cache-control"] == "no-store"


def test_a_stranger_is_shown_the_way_in_and_keeps_the_goal(local_server: LocalServer) -> None:
    goal = "/local/general?q=%3Cb%3E"
    answered = requests.get(local_server.url + goal, timeout=30)
    assert answered.status_code == 401
    assert "zenml-comet open" in answered.text
    assert goal in read(answered.text).links.values()
    assert requests.get(local_server.url + "/page-data/changes", timeout=30).status_code == 401


def _known(server: LocalServer, wanted: str) -> bool:
    return server.call("GET", "api/rest/v2/experiment/metadata", params={"experimentKey": wanted}).status_code == 200
