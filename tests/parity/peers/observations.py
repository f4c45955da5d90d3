"""One observation for each row of the page that can be played: each answers in words what a tracker did."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from zenml.experiment_trackers import BaseExperimentTracker

from tests.parity.peers.stage import PLAIN_KEY, USERS_OWN_KEY, Found, Stage

# These leave an SDK behind as no other may find it: each is played in a process of its own.
ALONE = frozenset({"concurrent", "never_began", "untracked", "offline", "away"})
# Set by ZenML for every step, and by OpenMP when mlflow turns off what it had not turned on.
_NOT_ITS_OWN = ("ZENML_", "DISABLE_CREDENTIALS_DISK_CACHING", "KMP_")


def needs(stage: Stage) -> str:
    """What ZenML has installed for it."""
    return _words(re.split(r"[^\w-]", one)[0] for one in stage.component().requirements)


def images_get(stage: Stage) -> str:
    """The same, with the versions."""
    return _words(stage.component().requirements)


def settings_of_a_step(stage: Stage) -> str:
    """Names of the settings that a step may have."""
    return _words(stage.component().settings_class.model_fields)


def tags(stage: Stage) -> str:
    """Which of the tags of three levels the run of a step has."""
    if not stage.peer.has_tags:
        return "no setting of that name"
    given = stage.tagged.holding("loss").tags
    return _words(level for level in ("component", "pipeline", "step") if f"of the {level}" in given) or "none"


def runs(stage: Stage) -> str:
    """How many runs the steps and the attempts make."""
    retried = stage.retried()
    return (
        f"{len(stage.day.kept)} of 2 steps; {len(retried.kept)} of 3 attempts, and these are "
        f"{_words({one.status for one in retried.kept})}"
    )


def other_ways_to_run(stage: Stage) -> str:
    """The same where settings say how to cut runs."""
    if stage.takes("nested"):
        kept = stage.retried(nested=True).kept
        parents = {one.about.get("mlflow.parentRunId") for one in kept} - {None}
        return f"nested: {len(kept)} of 3 attempts, {len(parents)} of them the parent of the others"
    if stage.takes("run_id_strategy"):
        ways = {way: stage.retried(run_id_strategy=way).kept for way in ("new_on_retry", "reuse_on_retry")}
        said = [
            f"{way}: {len(kept)} of 3 attempts, called {_ends(one.name for one in kept)}" for way, kept in ways.items()
        ]
        return "; ".join(said)
    return "none"


def concurrent(stage: Stage) -> str:
    """The values of concurrent steps by run, and what became of steps and runs."""
    found = stage.concurrent
    values = sorted([sorted(one.values.get("number", [])) for one in found.kept])
    return (
        f"{values}; runs {_words({one.status for one in found.kept})}; "
        f"steps {_words({found.status(step) for step in found.steps})}"
    )


def failed_step(stage: Stage) -> str:
    """The status of the run of a failed step, and whether its error is in it."""
    found = stage.failing
    (kept,) = [one for one in found.kept if one.name.endswith("_fail")] or found.kept
    told = any("no good at" in value for value in kept.about.values())
    return f"{kept.status}, {'with' if told else 'without'} the error"


def failed_then_good(stage: Stage) -> str:
    """The status of each run where a step failed and one after it did not."""
    found = stage.failing_first
    return f"{', '.join(one.status for one in found.kept)} of steps {found.status('fail')}, {found.status('test')}"


def never_began(stage: Stage) -> str:
    """The status of the run of a step whose input could not be loaded, and the next tracked step of the process."""
    first, then = stage.unreadable
    ids = {one.id for one in first.kept}
    later = [one.status for one in then.kept if one.id in ids or one.name.endswith("_needs_it")]
    status = [one.status for one in first.kept]
    return f"{_words(status) or 'no run'}, then {_words(later) or 'the same'}; the next step is {then.status('only')}"


def not_stored(stage: Stage) -> str:
    """The status of the run of a step whose output could not be stored."""
    return _words({one.status for one in stage.unstored.kept}) or "no run"


def away(stage: Stage) -> str:
    """What becomes of a step while its server cannot be reached."""
    if stage.peer.away is None:
        return "none"
    found = stage.away
    kept = [value for one in found.kept for value in one.values.get("only", [])]
    return f"the step is {found.status('only')} after {_about(found.seconds)}; of its value {len(kept)} kept"


def offline(stage: Stage) -> str:
    """What becomes of a step in the SDK's mode `offline`, where it has one."""
    variable = {"wandb": "WANDB_MODE", "neptune": "NEPTUNE_MODE"}.get(stage.peer.flavor)
    if variable is None:
        return "no such mode"
    found = stage.run_once({}, {variable: "offline"})
    return f"the step is {found.status('only')}"


def no_server(stage: Stage) -> str:
    """Where the values are with nothing configured but what must be."""
    found = stage.failing
    files = (
        path for path in stage.peer.folder.rglob("*") if path.suffix in (".db", ".wandb") and path.name != "zenml.db"
    )
    where = {f"*{path.suffix}" for path in files}
    holding = [one for one in found.kept if "loss" in one.values]
    return f"{len(holding)} run with the value; files: {_words(where) or 'none'}"


def address(stage: Stage) -> str:
    """What ZenML has of a step from the tracker."""
    known = stage.day.metadata("fit")
    url = known.pop("experiment_tracker_url", "none")
    url = url.replace(str(stage.peer.folder), "").replace(_run_name(stage.day), "<run>")
    return f"{re.sub(r'[0-9a-f]{8}-[0-9a-f-]{27}', '<id>', url)}, beside {_words(known) or 'nothing'}"


def context(stage: Stage) -> str:
    """Where a run names what ZenML knows: ids, names, versions."""
    found, kept = stage.day, stage.day.holding("loss")
    step = found.steps["fit"]
    known = {
        "run id": str(step.pipeline_run_id),
        "step id": str(step.id),
        "run name": _run_name(found),
        "pipeline": "day",
        "step name": "fit",
        "version": _version(),
    }
    names = [name for name, value in known.items() if value in {*kept.about.values(), *kept.tags}]
    return _words(names) or "nothing"


def parameters(stage: Stage) -> str:
    """Whether a parameter of the step is in its run."""
    return _words(name for name in stage.day.holding("loss").about if "depth" in name) or "none"


def of_one_pipeline_run(stage: Stage) -> str:
    """What brings the runs of one pipeline run together, and whether ZenML's run leads there."""
    kept = stage.day.kept
    groups = {one.about.get("run_group") for one in kept} - {None}
    led = _words(stage.day.run_metadata) or "nothing"
    return f"{len(kept)} of 2 steps, {len(groups)} group; the pipeline run has {led}"


def final_values(stage: Stage) -> str:
    """Whether a logged value is in ZenML's metadata."""
    return _words(name for name in stage.day.metadata("fit") if "loss" in name) or "none"


def logging_calls(stage: Stage) -> str:
    """Calls that log, of the component itself, and ZenML's functions beside it."""
    component = type(stage.component())
    own = {name for name in vars(component) if name.startswith("log")} - set(vars(BaseExperimentTracker))
    helpers = (helper.partition(":") for helper in stage.peer.helpers)
    return _words(own | {name for path, _, name in helpers if hasattr(importlib.import_module(path), name)}) or "none"


def environment(stage: Stage) -> str:
    """Variables that differ in the step and after the run."""
    found = stage.day
    before, left = found.environment
    assert before[stage.peer.key_variable] == USERS_OWN_KEY
    during, afterwards = _changed(before, found.seen["environment"]), _changed(before, left)
    own = "kept" if left.get(stage.peer.key_variable) == USERS_OWN_KEY else "gone"
    return f"in the step {during or 'nothing'}; afterwards {afterwards or 'nothing'}; the user's own key {own}"


def without_a_key(stage: Stage) -> str:
    """What comes of registering a component with no key."""
    found = [_outcome(stage, {stage.peer.key: None})]
    if stage.peer.with_key:
        found.append(f"with a server {_outcome(stage, {**stage.peer.with_key, stage.peer.key: None})}")
    return ", ".join(found)


def key_in_the_repr(stage: Stage) -> str:
    """Whether a plain key stands there."""
    return "yes" if PLAIN_KEY in repr(stage.component(**stage.peer.with_key, **{stage.peer.key: PLAIN_KEY})) else "no"


def validation(stage: Stage) -> str:
    """Whether it has a say in what stacks it may be in."""
    return "none" if stage.component().validator is None else "a validator"


def set_up_twice(stage: Stage) -> str:
    """What comes of registering a component a second time."""
    name = f"twice_{uuid.uuid4().hex[:8]}"
    stage.register({}, name)
    try:
        stage.register({}, name)
    except Exception as error:
        return type(error).__name__
    return "accepted"


def untracked(stage: Stage) -> str:
    """What a logging call does in untracked steps, the one before and the one after a tracked step."""
    found = stage.untracked
    said = [f"{when}: {_first(found.seen.get(when, 'no error'))}" for when in ("before", "after")]
    strays = [name for name in ("before", "after") if any(name in one.values for one in found.kept)]
    return f"{'; '.join(said)}; values kept: {_words(strays) or 'none'}; the tracked step is {found.status('fit')}"


def cached_step(stage: Stage) -> str:
    """What leads from a cached step's run to what it logged."""
    found = stage.cached
    return f"{found.status('cached_one')}; the pipeline run has {_words(found.run_metadata) or 'nothing'}"


def also_in_zenml(stage: Stage) -> str:
    """Other components of a stack that ZenML has for the same tool."""
    from zenml.client import Client

    flavors = Client().list_flavors(name=stage.peer.flavor).items
    return _words({str(one.type) for one in flavors} - {"experiment_tracker"}) or "none"


def connector(stage: Stage) -> str:
    """The service connector that it takes its access from."""
    wanted = stage.component().connector_requirements
    return "none" if wanted is None else f"{wanted.connector_type or ''} {wanted.resource_type}".strip()


def commands(stage: Stage) -> str:
    """Commands of its SDK that look after themselves."""
    command = Path(sys.executable).with_name(stage.peer.flavor)
    if not command.exists():
        return "no command"
    said = subprocess.run([command, "--help"], capture_output=True, text=True, check=False, timeout=60)
    if said.returncode:
        return f"broken: {_first(said.stderr.strip().splitlines()[-1])}"
    return _words(set(re.findall(r"(?:^ +|[{,])(doctor|verify|check|status)\b", said.stdout, re.MULTILINE))) or "none"


def _outcome(stage: Stage, more: dict[str, Any]) -> str:
    try:
        stage.register(more)
    except Exception as error:
        return f"refused ({type(error).__name__})"
    return "accepted"


def _changed(before: dict[str, str], now: dict[str, str]) -> str:
    names = {
        name for name in {*before, *now} if before.get(name) != now.get(name) and not name.startswith(_NOT_ITS_OWN)
    }
    return _words(f"{name}{'' if name in now else ' deleted'}" for name in names)


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _ends(names: Iterable[str]) -> str:
    return _words({name.rpartition("third_time_lucky")[2] or "the same" for name in names})


def _first(text: str) -> str:
    return text.strip().partition("\n")[0][:160]


def _about(seconds: float) -> str:
    return f"{seconds:.0f} s"


def _run_name(found: Found) -> str:
    from zenml.client import Client

    return str(Client().get_pipeline_run(next(iter(found.steps.values())).pipeline_run_id).name)


def _version() -> str:
    import zenml

    return str(zenml.__version__)


OBSERVATIONS: dict[str, Callable[[Stage], str]] = {
    name: value
    for name, value in list(globals().items())
    if inspect.isfunction(value) and value.__module__ == __name__ and not name.startswith("_")
}


def observed(stage: Stage, names: Iterable[str]) -> dict[str, str]:
    """What each of these observations says; what it raises stands in its place."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = OBSERVATIONS[name](stage)
        except Exception as error:
            found[name] = f"cannot be observed: {type(error).__name__}: {_first(str(error))}"
    return found
