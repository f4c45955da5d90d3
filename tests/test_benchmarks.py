"""What the measurements stand on: the verdicts, and the stand-in server that counts."""

from __future__ import annotations

import gzip
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import __main__ as runner
from benchmarks import cases, clients, page, standin, targets
from benchmarks.clients import COMET_ML, OURS, TRACKIO
from benchmarks.server import __main__ as server
from benchmarks.server import peers, reading, wire
from benchmarks.server.inside import Inside
from benchmarks.server.rows import HEADINGS, Row
from benchmarks.steps import __main__ as steps
from zenml_comet_tracker.local.pages import outlines
from zenml_comet_tracker.local.pages.charts import Look
from zenml_comet_tracker.local.store.store import Store

PAGE = page.PAGE.read_text("utf-8")


@pytest.fixture
def root() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), standin.Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize(
    ("ours", "verdict"), [(4.0, "reached"), (4.4, "missed: 1.1 x"), (0.0, "reached"), (40.0, "missed: 10 x")]
)
def test_a_target_is_the_strictest_of_its_limits(ours: float, verdict: str) -> None:
    target = targets.Target(((0.1, COMET_ML), (0.4, TRACKIO)), limit=9)
    assert target.verdict({OURS: ours, COMET_ML: 50.0, TRACKIO: 10.0}) == verdict
    assert str(target) == "0.1 x comet_ml, 0.4 x trackio, 9"


def test_a_peer_that_was_not_measured_sets_no_limit() -> None:
    assert targets.Target(((0.1, COMET_ML),)).verdict({OURS: 5.0}) == ""
    assert targets.Target(limit=0).verdict({OURS: 1.0}).startswith("missed")


def test_every_target_is_of_a_figure_that_is_measured() -> None:
    assert {case for case, _ in targets.TARGETS} <= cases.CASES.keys()
    assert set(clients.OPENERS) == set(clients.MODULES)


def test_the_stand_in_counts_what_arrives_however_it_is_packed(root: str) -> None:
    def send(path: str, body: bytes) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{root}/{path}", data=body), timeout=10).close()

    send("reset", b"")
    batch = b'{"values":[{"metricName":"loss"},{"metricName": "loss"},{"metricName":"other"}]}'
    send("clientlib/batch/logger/experiment/metric", batch)
    send("clientlib/batch/logger/experiment/metric", gzip.compress(batch))
    send("clientlib/asset/upload", bytes(3_000_000))
    assert clients.counted(root) == {"points": 4, "batches": 2, "requests": 3}


@pytest.mark.parametrize("mark", [runner.MARK, server.MARK, steps.MARK])
def test_the_figures_go_where_their_page_has_them(mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, after = re.split(f"({re.escape(begin)}.*?{re.escape(end)})", PAGE, flags=re.DOTALL)
    monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
    page.PAGE.write_text(PAGE, "utf-8")
    for text in ("earlier", "| a | table |\n|---|---|"):
        page.write(mark, text)
        assert page.PAGE.read_text("utf-8") == f"{before}{begin}\n{text}\n{end}{after}"


@pytest.mark.parametrize(
    ("row", "ratio", "verdict"),
    [
        (Row("f", "points/s", 41.0, "least", 0.4, "floor", 100.0), 0.41, "reached"),
        (Row("f", "points/s", 39.0, "least", 0.4, "floor", 100.0), 0.39, "missed"),
        (Row("f", "MB", 31.0, "most", 0.3, "rows", 100.0), 0.31, "missed"),
        (Row("f", "ms", 249.0, "most", 250), 249.0, "reached"),
        (Row("f", "points", 1.0, "most", 0), 1.0, "missed"),
    ],
)
def test_a_row_of_the_server_says_whether_it_reaches_its_target(row: Row, ratio: float, verdict: str) -> None:
    assert (row.ratio, row.verdict) == (ratio, verdict)
    assert len(row.cells()) == len(HEADINGS)


@pytest.mark.parametrize(
    ("row", "ratio", "verdict"),
    [
        (steps.Row("f", 0.5, 0.09, 2.0, 0.1, 0.1), "0.045 x", "reached"),
        (steps.Row("f", 0.5, 0.11, 2.0, 0.1, 0.1), "0.055 x", "missed"),
        (steps.Row("f", 0.5, 0.088, 0.8, 0.1, 0.1), "0.110 x", "missed"),
        (steps.Row("f", 0.5, 0.3, 33.0), "0.009 x", ""),
    ],
)
def test_a_row_of_a_step_holds_both_limits(row: steps.Row, ratio: str, verdict: str) -> None:
    assert row.verdict == verdict
    assert ratio in row.cells()
    assert len(row.cells()) == len(steps.HEADINGS)


def test_the_peers_hold_what_ours_holds(tmp_path: Path) -> None:
    bodies = wire.batches("e" * 32, 2)
    plain = peers.RowAPoint(tmp_path / "rows.db")
    inside = Inside(tmp_path / "ours", "e" * 32)
    for body in bodies:
        plain.ingest(body)
        inside.ingest(body)
    inside.close()
    with closing(Store(tmp_path / "ours")) as store, store.read() as connection:
        reading.check(connection, 1, plain)
        chart = outlines.chart(connection, 1, 2_000, 0, Look(buckets=20))
    assert [(low, high) for _, low, high in plain.chart(20, 2_000)] == list(
        zip(chart["low"], chart["high"], strict=True)
    )
    assert plain.close() > 0
