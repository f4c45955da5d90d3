"""The pages in a real browser: what is drawn, what is sent, what a reader can do."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.browser import Watched
from tests.fixtures.local_server import LocalServer
from tests.local.pages.seeds import Seed, attach, label, log, sow
from tests.local.pages.test_formats import contrast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.long]

Watch = Callable[..., Watched]

# Read from the drawn chart, not from what was sent to draw it.
TRACES = """name => {
  const card = [...document.querySelectorAll('[data-chart]')].find(card => card.dataset.name === name);
  const plot = card?.querySelector('.plot');
  if (!plot?._fullData) return null;
  const read = trace => ({name: trace.name, x: [...trace.x], y: [...trace.y], type: trace.type, mode: trace.mode});
  return {traces: plot._fullData.map(read), range: plot._fullLayout.xaxis.range, shapes: plot._fullLayout.shapes.length,
          paths: plot.querySelectorAll('.scatterlayer path.js-line').length, yaxis: plot._fullLayout.yaxis.type};
}"""


def until(wanted: Callable[[], Any], seconds: float = 15) -> Any:
    """What `wanted` gives as soon as it is something; fails when it is nothing for too long."""
    deadline = time.monotonic() + seconds
    while not (found := wanted()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def drawn(page: Page, name: str) -> dict[str, Any]:
    """The chart of the metric, once it is drawn."""
    return until(lambda: page.evaluate(TRACES, name))


def values(page: Page, name: str) -> list[float]:
    """The y values of the drawn line."""
    return next(trace["y"] for trace in drawn(page, name)["traces"] if trace["name"] == "values")


def scheme(page: Page) -> tuple[str, str]:
    """Text and background colour of the page, as #rrggbb."""
    channels = page.evaluate(
        "() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        ".map(text => text.match(/\\d+/g).slice(0, 3).map(Number))"
    )
    text, back = ("#" + "".join(f"{channel:02x}" for channel in color) for color in channels)
    return text, back


def test_all_logged_points_are_in_the_drawn_line(local_server: LocalServer, watch: Watch) -> None:
    key = "b0" * 16
    logged = [math.sin(at / 9) + at / 100 for at in range(900)]
    long = [math.cos(at / 90) for at in range(5_000)]
    long[3_210] = 40.0
    metrics = {"loss": logged, "long": long, "odd": [1.0, math.nan, 3.0]}
    sow(local_server.store, Seed(key, "drawn", project="browser", metrics=metrics))
    watched = watch(local_server)
    page = watched.open(f"/local/browser/{key}")
    assert values(page, "loss") == logged
    chart = drawn(page, "long")
    assert max(value for trace in chart["traces"] for value in trace["y"]) == 40.0
    assert chart["paths"] > 0
    assert {trace["type"] for trace in chart["traces"]} == {"scatter"}
    page.goto(page.url + "?xmin=99.5&xmax=300.5")
    near = next(trace for trace in drawn(page, "long")["traces"] if trace["name"] == "values")
    assert near["x"] == list(range(99, 302))
    assert near["y"] == long[99:302]
    assert drawn(page, "long")["range"] == [99.5, 300.5]
    assert drawn(page, "odd")["shapes"] == 1
    assert (watched.complaints, watched.strangers) == ([], [])


def test_what_is_logged_while_charts_are_asked_for_is_drawn_too(local_server: LocalServer, watch: Watch) -> None:
    key = "be" * 16
    sow(local_server.store, Seed(key, project="late", running=True, metrics={"a": [1.0, 2.0]}))
    watched = watch(local_server)
    held: list[Any] = []
    watched.page.route("**/series?*", lambda route: held.append((route, route.fetch())), times=1)
    page = watched.open(f"/local/late/{key}?x=nonsense")
    until(lambda: held or page.wait_for_timeout(10))
    log(local_server.store, key, "a", [3.0], first_step=2)
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.locator("[data-name=a][data-count='3']").wait_for()
    held[0][0].fulfill(response=held[0][1])
    until(lambda: values(page, "a") == [1.0, 2.0, 3.0])
    assert page.locator("input[name=x]:checked").get_attribute("value") == "step"


def test_one_chart_that_cannot_be_drawn_leaves_the_others(local_server: LocalServer, watch: Watch) -> None:
    key = "bf" * 16
    sow(local_server.store, Seed(key, project="broken", metrics={"a": [1.0, 2.0], "b": [3.0, 4.0]}))

    def spoil(route: Any) -> None:
        answer = route.fetch().json()
        answer["charts"][min(answer["charts"], key=int)]["y"] = None
        route.fulfill(json=answer)

    watched = watch(local_server)
    watched.page.route("**/series?*", spoil)
    page = watched.open(f"/local/broken/{key}?x=wall&xmin=1&xmax=9e15")
    assert values(page, "b") == [3.0, 4.0]
    assert "cannot be drawn" in page.locator("[data-name=a] [role=alert]").inner_text()
    page.unroute("**/series?*")
    page.get_by_role("button", name="Retry").click()
    assert values(page, "a") == [1.0, 2.0]
    assert drawn(page, "a")["range"][1].startswith("9999-12-31")


def test_a_fresh_head_keeps_the_focus(local_server: LocalServer, watch: Watch) -> None:
    key = "c0" * 16
    sow(local_server.store, Seed(key, project="focus", running=True, metrics={"a": [1.0]}))
    page = watch(local_server).open(f"/local/focus/{key}?experiment-tab=metrics")
    page.get_by_label("Copy the experiment key").focus()
    label(local_server.store, key, "fresh")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.get_by_role("link", name="fresh").wait_for()
    assert page.evaluate("document.activeElement.dataset.copy") == key


def test_short_series_are_drawn_point_by_point(local_server: LocalServer, watch: Watch) -> None:
    logged = {f"m/{number}": [math.cos(number + at) for at in range(40)] for number in range(3)}
    sow(local_server.store, Seed("b1" * 16, project="browser", metrics=logged))
    page = watch(local_server).open(f"/local/browser/{'b1' * 16}")
    assert {name: values(page, name) for name in logged} == logged


def test_a_live_chart_grows_and_keeps_zoom_scroll_and_crosshair(local_server: LocalServer, watch: Watch) -> None:
    key = "b2" * 16
    many = {f"metric {number}": [0.0, 1.0] for number in range(12)}
    sow(local_server.store, Seed(key, project="browser", running=True, metrics={"a": [1.0, 2.0, 3.0], **many}))
    watched = watch(local_server, viewport={"width": 1280, "height": 500})
    page = watched.open(f"/local/browser/{key}?xmin=0.5&xmax=9.5")
    drawn(page, "a")
    page.evaluate("window.scrollTo(0, 120)")
    plot = page.locator("[data-name='a'] .plot")
    box = plot.bounding_box()
    assert box is not None
    inner = page.evaluate("() => document.querySelector(\"[data-name='a'] .plot\")._fullLayout.xaxis._length")
    left = page.evaluate("() => document.querySelector(\"[data-name='a'] .plot\")._fullLayout.xaxis._offset")
    page.mouse.move(box["x"] + left + inner * (1 - 0.5) / 9, box["y"] + box["height"] / 2)
    plot.locator(".cross").wait_for(state="attached")
    readout = page.locator("[data-name='a'] .readout").text_content()
    assert readout == "step 1  2"
    log(local_server.store, key, "a", [4.0, 5.0], first_step=3)
    log(local_server.store, key, "arrived late", [7.0])
    until(lambda: "arrived late" in page.locator("#charts").inner_text())
    assert until(lambda: len(values(page, "a")) == 5)
    assert drawn(page, "a")["range"] == [0.5, 9.5]
    assert page.evaluate("window.scrollY") == 120
    assert page.locator("[data-name='a'] .readout").text_content() == readout
    page.locator("#reset-zoom").click()
    until(lambda: drawn(page, "a")["range"][1] < 9)
    assert values(page, "a") == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert watched.complaints == []


def test_the_address_is_the_state(local_server: LocalServer, watch: Watch) -> None:
    key = "b3" * 16
    sow(local_server.store, Seed(key, project="browser", metrics={"loss": [3.0, 2.0, 1.0], "acc": [0.1, 0.2]}))
    page = watch(local_server).open(f"/local/browser/{key}")
    drawn(page, "loss")
    page.get_by_text("Epoch", exact=True).click()
    page.get_by_label("Log y").check()
    page.locator("input[name=smoothing]").fill("0.5")
    page.locator("input[name=charts]").fill("lo")
    until(lambda: any(trace["name"] == "smoothed" for trace in drawn(page, "loss")["traces"]))
    again = watch(local_server).open(page.url.removeprefix(local_server.url))
    assert "x=epoch" in page.url
    until(lambda: drawn(again, "loss")["yaxis"] == "log")
    assert drawn(again, "loss") == drawn(page, "loss")
    assert again.locator("[data-chart]:visible").count() == 1


def test_parts_open_in_place_and_back_returns(local_server: LocalServer, watch: Watch) -> None:
    key = "b4" * 16
    seed = Seed(key, project="browser", metrics={"loss": [1.0]}, parameters={"lr": "0.1"}, html="<p id=mine>mine</p>")
    sow(local_server.store, seed)
    attach(
        local_server.store, key, "dot.svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", "image"
    )
    watched = watch(local_server)
    page = watched.open(f"/local/browser/{key}")
    drawn(page, "loss")
    tabs = page.get_by_label("Parts of the experiment")
    tabs.get_by_text("Parameters").click()
    page.get_by_role("rowheader", name="lr").wait_for()
    tabs.get_by_text("Assets").click()
    until(lambda: page.evaluate("() => document.querySelector('.images img')?.naturalWidth"))
    tabs.get_by_text("HTML").click()
    assert page.frame_locator("iframe").locator("#mine").text_content() == "mine"
    page.go_back()
    page.go_back()
    page.get_by_role("rowheader", name="lr").wait_for()
    assert "experiment-tab=parameters" in page.url
    assert (watched.complaints, watched.strangers) == ([], [])


def test_a_failing_part_says_so_and_can_be_tried_again(local_server: LocalServer, watch: Watch) -> None:
    key = "b5" * 16
    sow(local_server.store, Seed(key, project="browser", metrics={"loss": [1.0, 2.0]}, parameters={"lr": "0.1"}))
    page = watch(local_server).open("/")
    page.route("**/series?*", lambda route: route.fulfill(status=500))
    page.goto(f"{local_server.url}/local/browser/{key}")
    fault = page.get_by_role("alert")
    fault.wait_for()
    assert "answered 500" in fault.inner_text()
    page.unroute("**/series?*")
    fault.get_by_role("button", name="Retry").click()
    assert values(page, "loss") == [1.0, 2.0]


def test_the_table_filters_as_one_types_and_sorts_in_place(local_server: LocalServer, watch: Watch) -> None:
    for number in range(3):
        sow(local_server.store, Seed(f"b6{number}" * 11, f"run {number}", project="table", metrics={"loss": [number]}))
    watched = watch(local_server)
    page = watched.open("/local/table")
    names = page.locator("tbody th")
    page.get_by_title("Sort by loss").click()
    until(lambda: names.all_inner_texts() == ["run 2", "run 1", "run 0"])
    until(lambda: page.locator("th[aria-sort=descending]").inner_text().startswith("loss"))
    page.get_by_label("Filter by name, key or tag").fill("run 1")
    until(lambda: names.all_inner_texts() == ["run 1"])
    assert "q=run+1" in page.url
    sow(local_server.store, Seed("b69" * 11, "also run 1", project="table"))
    until(lambda: names.all_inner_texts() == ["run 1", "also run 1"])
    page.go_back()
    until(lambda: len(names.all_inner_texts()) == 4)
    assert watched.complaints == []


@pytest.mark.parametrize("wanted", ["light", "dark"])
def test_light_and_dark_can_be_read(local_server: LocalServer, watch: Watch, wanted: str) -> None:
    sow(
        local_server.store, Seed(f"b7{wanted[0]}".ljust(32, "0"), project="themes", error="no", metrics={"loss": [1.0]})
    )
    page = watch(local_server, color_scheme=wanted).open("/local/themes")
    text, back = scheme(page)
    assert (text > back) == (wanted == "dark")
    assert contrast(text, back) > 12
    page.get_by_label("Switch between light and dark").click()
    assert scheme(page) == until(lambda: scheme(page) if (scheme(page)[0] > text) == (wanted == "light") else None)
    page.reload()
    assert (scheme(page)[0] > scheme(page)[1]) == (wanted == "light")


def test_all_text_has_contrast(local_server: LocalServer, watch: Watch) -> None:
    key = "b8" * 16
    seed = Seed(key, "read", project="contrast", tags=["t"], error="no", metrics={"a": [1.0]}, parameters={"p": "1"})
    sow(local_server.store, seed, Seed("b9" * 16, project="contrast", running=True))
    measure = """() => {
      const color = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
      const linear = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
      const light = c => { const f = c.slice(0, 3).map(linear); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
      const back = e => { for (; e; e = e.parentElement) { const c = color(getComputedStyle(e).backgroundColor);
                          if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
      const weak = [];
      for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.checkVisibility() || e.closest('.plot')) continue;
        const [a, b] = [light(color(getComputedStyle(e).color)), light(back(e))].sort((x, y) => y - x);
        if ((a + .05) / (b + .05) < 4.5) weak.push(`${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 30)}`);
      }
      return weak;
    }"""
    for colors in ("light", "dark"):
        page = watch(local_server, color_scheme=colors).open("/local/contrast")
        assert page.evaluate(measure) == []
        page.goto(f"{local_server.url}/local/contrast/{key}")
        assert page.evaluate(measure) == []


def test_without_scripts_the_tables_are_there(local_server: LocalServer, watch: Watch) -> None:
    key = "ba" * 16
    sow(local_server.store, Seed(key, "plain", project="plain", metrics={"loss": [1.0, 0.5]}))
    page = watch(local_server, java_script_enabled=False).open("/")
    page.get_by_role("link", name="local / plain").click()
    page.get_by_role("link", name="plain", exact=True).last.click()
    page.get_by_role("link", name="The table of metrics").click()
    assert page.locator("tbody td").first.inner_text() == "0.5"


def test_a_server_that_went_away_is_told_and_found_again(local_server: LocalServer, watch: Watch) -> None:
    sow(local_server.store, Seed("bc" * 16, "stays", project="away", running=True))
    watched = watch(local_server)
    watched.page.clock.install()
    page = watched.open("/local/away")
    page.route("**/changes?*", lambda route: route.abort())
    page.clock.run_for(5_000)
    page.get_by_text("The local server does not answer.").wait_for()
    assert page.get_by_role("link", name="stays").is_visible()
    page.unroute("**/changes?*")
    page.clock.run_for(5_000)
    page.locator("#connection").wait_for(state="hidden")


def test_clock_times_are_the_readers_own(local_server: LocalServer, watch: Watch) -> None:
    key = "bd" * 16
    start = 1_781_000_000_000  # 2026-06-09 10:13:20 UTC, six in the morning in New York
    sow(local_server.store, Seed(key, project="clock", start_millis=start, metrics={"loss": [1.0, 2.0, 3.0]}))
    page = watch(local_server, timezone_id="America/New_York").open(f"/local/clock/{key}?x=wall")
    trace = next(trace for trace in drawn(page, "loss")["traces"] if trace["name"] == "values")
    assert [at - start for at in trace["x"]] == [-4 * 3_600_000 + 1_000 * step for step in range(3)]
    page.goto(f"{page.url}&xmin={start + 500}&xmax={start + 1_500}")
    assert [text[11:21] for text in drawn(page, "loss")["range"]] == ["06:13:20.5", "06:13:21.5"]


def test_a_hidden_page_asks_nothing(local_server: LocalServer, watch: Watch) -> None:
    sow(local_server.store, Seed("bb" * 16, project="hidden", running=True))
    watched = watch(local_server)
    hide = "Object.defineProperty(document, 'hidden', {get: () => window.hide, configurable: true});"
    watched.page.add_init_script(f"window.hide = true; {hide}")
    watched.page.clock.install()
    page = watched.open("/local/hidden")
    before = len(watched.requests)
    page.clock.run_for(60_000)
    assert [url for url in watched.requests[before:] if "changes" in url] == []
    with page.expect_request("**/changes?*"):
        page.evaluate("() => { window.hide = false; document.dispatchEvent(new Event('visibilitychange')); }")
        page.clock.run_for(10)
