"""One check for each point of the table: an assertion about what a tracker made of the runs."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable

from tests.parity import pipelines
from tests.parity.world import USERS_OWN_KEY, World

Check = Callable[[World], None]


def values_stay_apart(world: World) -> None:
    found = world.concurrent
    numbers = sorted(
        tuple(value for value, _, _ in found.server.points(key, "number")) if found.server.metrics(key) else ()
        for key in found.server.keys("team", found.project)
    )
    assert numbers == [(float(n),) for n in range(pipelines.CONCURRENT)], f"values by experiment: {numbers}"


def every_concurrent_step_is_ended(world: World) -> None:
    found = world.concurrent
    keys = found.server.keys("team", found.project)
    running = [key for key in keys if found.server.metadata(key)["running"]]
    assert not running, f"{len(running)} of {len(keys)} experiments are still running, and their steps are not"


def environment_is_left_alone(world: World) -> None:
    left = world.day.environment.get("COMET_API_KEY")
    assert left == USERS_OWN_KEY, f"the user's COMET_API_KEY is {left} after the run"


def key_shows_nowhere(world: World) -> None:
    key = world.day.server.server.api_key
    assert world.day.seen["key in the environment"] != key, "the component's key is in the environment of the step"
    assert key not in repr(world.component()), "the key is in the component's repr"


def failed_step_is_failed(world: World) -> None:
    about = world.day.server.metadata(world.day.key("fail"))
    assert about["hasCrashed"], "the step failed, and its experiment did not"


def traceback_is_there(world: World) -> None:
    error = str(world.day.server.metadata(world.day.key("fail")).get("error"))
    assert "no good at" in error, f"what the experiment says of its failure: {error}"


def step_that_never_began_is_closed(world: World) -> None:
    about = world.unreadable.server.metadata(world.unreadable.key("needs_it"))
    status = "failed" if about["hasCrashed"] else "running" if about["running"] else "finished"
    assert status == "failed", f"the step failed before its function began, and its experiment is {status}"


def output_that_is_not_stored_is_a_failure(world: World) -> None:
    about = world.unstored.server.metadata(world.unstored.key("returns_it"))
    status = "failed" if about["hasCrashed"] else "running" if about["running"] else "finished"
    assert status == "failed", f"the step failed when its output was to be stored, and its experiment is {status}"


def nothing_is_lost_while_away(world: World) -> None:
    keys = world.dead.keys("only")
    assert keys, "what was logged while Comet was away is nowhere"
    assert world.dead.server.points(keys[0], "only") == [(1.0, None, None)]


def no_page_is_made_up(world: World) -> None:
    url = world.dead.seen["url while away"]
    assert url is None or url.startswith(("http://127.0.0.1",)), f"a page that no server has: {url}"


def page_is_known_in_the_end(world: World) -> None:
    url = world.dead.url("only")
    assert url is not None, "no page"
    assert url.startswith(world.dead.server.server.url), f"Comet is back, and the page is {url}"


def dead_server_costs_no_half_minute(world: World) -> None:
    assert world.dead.status("only") == "completed"
    assert world.dead.seconds < 15, f"a step that does nothing took {world.dead.seconds:.0f} s"


def untracked_step_may_log(world: World) -> None:
    said = world.day.seen.get("before")
    assert said is None, f"a logging call of an untracked step raised {said}"


def nothing_goes_to_an_ended_experiment(world: World) -> None:
    logged = world.day.server.metrics(world.day.key("fit"))
    assert not {"before", "after"} & logged, f"the experiment of a tracked step has {sorted(logged)}"
    told = [line for line in world.day.said if "log_metrics" in line and "'after'" in line]
    assert told, "what an untracked step logged after a tracked one is nowhere, and nobody was told"


def step_names_its_project(world: World) -> None:
    found = world.elsewhere
    assert found.status("only") == "completed", f"the step is {found.status('only')}: {found.why('only')}"
    assert found.keys("only", found.seen["project"]), "the project has no experiment"


def attempts_are_told_apart(world: World) -> None:
    keys = world.retried.keys("third_time_lucky")
    others = [world.retried.server.others(key) for key in keys]
    attempts = [{name: value for name, value in other.items() if "attempt" in name} for other in others]
    assert all(attempts), (
        f"{len(keys)} experiments of one name, and {len([a for a in attempts if a])} say which attempt"
    )


def retried_step_is_one_experiment(world: World) -> None:
    keys = world.retried.keys("third_time_lucky")
    assert len(keys) == 1, f"{len(keys)} experiments for one step"
    assert not world.retried.server.metadata(keys[0])["hasCrashed"]


def step_runs_without_a_key(world: World) -> None:
    status = world.keyless.status("only")
    assert status == "completed", f"the step is {status}: {world.keyless.why('only')}"


def key_of_the_environment_is_found(world: World) -> None:
    found = world.key_of_the_environment
    assert found.keys("only"), f"no experiment: {found.error}"


def no_sdk_is_imported(world: World) -> None:
    assert world.keyless.steps
    assert "comet_ml" not in sys.modules, "comet_ml is imported with the stack"


def parameters_are_logged(world: World) -> None:
    logged = world.day.server.parameters(world.day.key("fit"))
    assert logged.get("depth") == "3", f"parameters of the experiment: {logged}"


def final_values_are_in_zenml(world: World) -> None:
    known = world.day.steps["fit"].run_metadata
    assert any(str(value) == "0.1" for value in known.values()), f"metadata of the step: {sorted(known)}"


def experiment_names_its_run(world: World) -> None:
    step = world.day.steps["fit"]
    others = world.day.server.others(world.day.key("fit"))
    assert {str(step.id), str(step.pipeline_run_id)} <= set(others.values()), f"others: {sorted(others)}"


def requirements_are_pinned(world: World) -> None:
    wanted = world.component(requirements=["zenml-comet-tracker==0.0"]).requirements
    loose = sorted(one for one in wanted if "==" not in one and " @ " not in one)
    assert wanted, "an image gets nothing of it"
    assert not loose, f"an image gets whatever is newest of {loose}"


def tags_add_up(world: World) -> None:
    tags = world.day.server.tags(world.day.key("fit"))
    missing = {f"of the {level}" for level in ("component", "pipeline", "step")} - tags
    assert not missing, f"tags that are not there: {sorted(missing)}"


def set_up_is_one_command(world: World) -> None:
    name = f"set_up_{uuid.uuid4().hex[:8]}"
    world.set_up(name)
    world.set_up(name)


def cached_step_leads_to_its_run(world: World) -> None:
    found = world.cached
    assert found.status("cached_one") == "cached", f"not cached but {found.status('cached_one')}: {found.error}"
    links = [value for value in found.run_metadata.values() if str(value).startswith(found.server.server.url)]
    assert links, f"metadata of the pipeline run: {found.run_metadata}"
