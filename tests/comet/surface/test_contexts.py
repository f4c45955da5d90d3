"""Contexts do not cross threads and tasks; steps and epochs hold for the experiment."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.comet.scripted import ScriptedComet
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.stand import Stand, Within

Make = Callable[..., Experiment]


def arrived(comet: ScriptedComet, experiment: Experiment) -> list[tuple[Any, ...]]:
    """Name, value and context of every metric that the server was sent."""
    assert experiment.end().delivered
    return [(v["metricName"], v["metricValue"], v.get("context")) for v in comet.metric_values()]


def test_contexts_nest_and_end_with_an_exception_too(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    with experiment.train():
        with contextlib.suppress(ValueError), experiment.validate():
            experiment.log_metric("m", 1)
            raise ValueError
        experiment.log_metric("m", 2)
        with experiment.test(), experiment.context_manager(" own "):
            experiment.log_metric("m", 3)
    experiment.log_metric("m", 4)
    assert arrived(comet, experiment) == [("m", 1, "validate"), ("m", 2, "train"), ("m", 3, "own"), ("m", 4, None)]


def test_the_name_is_plain_on_the_wire_and_an_explicit_context_wins(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    with experiment.train():
        experiment.log_metric("m", 1, context="given")
        experiment.log_metric("m", 2, include_context=False)
        experiment.log_metrics({"m": 3}, include_context=False)
        experiment.log_metrics({"m": 4})
    assert arrived(comet, experiment) == [("m", 1, "given"), ("m", 2, None), ("m", 3, None), ("m", 4, "train")]


def test_threads_do_not_cross(comet: ScriptedComet, make: Make) -> None:
    """Each thread logs in turns, inside of a context of its own and outside of any."""
    experiment, count = make(), 50
    barrier = threading.Barrier(4)

    def log(number: int) -> None:
        for turn in range(count):
            with experiment.context_manager(f"c{number}"):
                barrier.wait(30)
                experiment.log_metric(f"in{number}", turn)
            barrier.wait(30)
            experiment.log_metric(f"out{number}", turn)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(4)]
    with experiment.train():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = arrived(comet, experiment)
    expected = {(f"in{n}", float(turn), f"c{n}") for n in range(4) for turn in range(count)}
    expected |= {(f"out{n}", float(turn), None) for n in range(4) for turn in range(count)}
    assert (len(found), set(found)) == (8 * count, expected)


def test_tasks_do_not_cross_and_inherit(comet: ScriptedComet, make: Make) -> None:
    experiment = make()

    async def log(number: int) -> None:
        experiment.log_metric(f"before{number}", 0)
        with experiment.context_manager(f"c{number}"):
            for turn in range(20):
                await asyncio.sleep(0)
                experiment.log_metric(f"in{number}", turn)
        experiment.log_metric(f"after{number}", 0)

    async def program() -> None:
        with experiment.train():
            await asyncio.gather(*(log(number) for number in range(3)))

    asyncio.run(program())
    found = arrived(comet, experiment)
    expected = {(f"in{n}", float(turn), f"c{n}") for n in range(3) for turn in range(20)}
    expected |= {(f"{when}{n}", 0.0, "train") for n in range(3) for when in ("before", "after")}
    assert set(found) == expected


def test_one_context_may_be_entered_by_many_threads_at_once() -> None:
    stand = Stand()
    inner, outer = Within(stand, "inner"), Within(stand, "outer")
    both, found = threading.Barrier(2), []

    def enter(first: Within, second: Within) -> None:
        with first:
            both.wait(30)
            with second, second:
                both.wait(30)
            both.wait(30)
            found.append(stand.context)
        found.append(stand.context)

    threads = [threading.Thread(target=enter, args=args) for args in ((inner, outer), (outer, inner))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [None, None, "inner", "outer"]


def test_experiments_do_not_cross(comet: ScriptedComet, make: Make) -> None:
    one, other = make(), make()
    with one.train():
        one.log_metric("one", 1)
        other.log_metric("other", 1)
    assert other.end().delivered
    assert set(arrived(comet, one)) == {("one", 1, "train"), ("other", 1, None)}


def test_a_generator_that_is_closed_elsewhere_leaves_its_context_without_a_word() -> None:
    """A token of a context variable would raise there."""
    stand = Stand()

    def inside() -> Iterator[str | None]:
        with Within(stand, "train"):
            yield stand.context

    generator = inside()
    assert next(generator) == "train"
    thread = threading.Thread(target=generator.close)
    thread.start()
    thread.join()


def test_steps_and_epochs_hold_until_others_come(comet: ScriptedComet, make: Make) -> None:
    experiment = make()
    experiment.log_metric("m", 1)
    experiment.log_metric("m", 2, step=5)
    experiment.log_parameter("p", 1)
    experiment.log_parameter("q", 1, step=6)
    experiment.log_metric("m", 3, epoch=0.5)
    experiment.log_metric("m", 4, step="no step")
    experiment.set_step(None)
    experiment.set_epoch(None)
    experiment.log_metric("m", 5)
    assert experiment.end().delivered
    assert [(v.get("step"), v.get("epoch")) for v in comet.metric_values()] == [
        (None, None),
        (5, None),
        (6, 0.5),
        (6, 0.5),
        (None, None),
    ]
    sent = [value for asked in comet.requests("experiment/parameter") for value in asked.json["values"]]
    assert [(value["parameterName"], value["step"]) for value in sent] == [("p", 5), ("q", 6)]


@pytest.mark.parametrize("value", [object(), "", None, "x" * 200])
def test_any_context_is_taken(comet: ScriptedComet, make: Make, value: Any) -> None:
    experiment = make()
    with experiment.context_manager(value):
        experiment.log_metric("m", 1)
    ((_, _, context),) = arrived(comet, experiment)
    assert context is None or 0 < len(context) <= 100
