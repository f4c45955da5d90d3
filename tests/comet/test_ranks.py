"""The ranks of a distributed job: who logs, who ends the experiment, and how their values are told apart."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import ScriptedComet
from tests.fixtures.local_server import LocalServer
from zenml_comet_tracker import Artifact, CaptureOptions
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.experiment import Experiment
from zenml_comet_tracker.comet.ranks import Ranks, is_first_on_its_node, rank_of

Make = Callable[..., Experiment]
SHARED_KEY = "5" * 32

LAUNCHERS = {
    "none": ({}, None),
    "torchrun": ({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "GROUP_RANK": "1"}, "3"),
    "torchrun below srun": ({"RANK": "5", "WORLD_SIZE": "8", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, "5"),
    "srun": ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0"}, "2"),
    "open mpi": ({"OMPI_COMM_WORLD_RANK": "7", "OMPI_COMM_WORLD_SIZE": "8", "PMIX_RANK": "7"}, "7"),
    "pmix": ({"PMIX_RANK": "6"}, "6"),
    "mpich": ({"PMI_RANK": "1", "PMI_SIZE": "2"}, "1"),
    "mvapich": ({"MV2_COMM_WORLD_RANK": "1", "MV2_COMM_WORLD_SIZE": "2"}, "1"),
    "jsrun": ({"JSM_NAMESPACE_RANK": "4", "JSM_NAMESPACE_SIZE": "6"}, "4"),
    "one machine": ({"LOCAL_RANK": "2"}, "2"),
    "the second of some machines": ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, "1_0"),
    "the second of equal machines": ({"LOCAL_RANK": "1", "NODE_RANK": "1", "LOCAL_WORLD_SIZE": "4"}, "5"),
    "another": ({"ZENML_COMET_RANK": "0", "RANK": "3", "WORLD_SIZE": "4"}, "0"),
    "a rank without a number of ranks": ({"RANK": "1"}, "1"),
    "a variable for something else": ({"RANK": "16", "WORLD_SIZE": "2", "LOCAL_RANK": "high"}, None),
    "nonsense": ({"RANK": "-1", "PMI_RANK": "", "SLURM_PROCID": "²"}, None),
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_rank_is_found_by_the_variables_of_launchers(launcher: str) -> None:
    variables, rank = LAUNCHERS[launcher]
    assert rank_of(variables) == rank


def test_the_first_process_of_a_machine_is_known_where_its_launcher_says_it() -> None:
    assert is_first_on_its_node({"LOCAL_RANK": "0"})
    assert is_first_on_its_node({"SLURM_LOCALID": "0"})
    assert not is_first_on_its_node({"LOCAL_RANK": "1", "SLURM_LOCALID": "0"})
    assert not is_first_on_its_node({"RANK": "0"})


@pytest.fixture
def rank(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes this process one of four ranks."""

    def become(number: int) -> None:
        monkeypatch.setenv("RANK", str(number))
        monkeypatch.setenv("WORLD_SIZE", "4")

    return become


def test_a_rank_other_than_zero_logs_nothing_and_says_so_once(
    make: Make, rank: Any, comet: ScriptedComet, journals: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    rank(2)
    before = set(threading.enumerate())
    (tmp_path / "file").write_text("content")
    with caplog.at_level(logging.INFO):
        experiment = make(
            ranks="zero", strict=True, experiment_key=SHARED_KEY, capture=CaptureOptions(), experiment_name="name"
        )
        for step in range(3):
            experiment.log_metric("m", step)
        experiment.log_parameters({"a": 1, "b": 2})
        experiment.log_asset(tmp_path / "file")
        artifact = Artifact("data", "dataset")
        artifact.add(tmp_path / "file")
        experiment.log_artifact(artifact)
        assert experiment.flush(5)
        assert experiment.end(error="its own").delivered
    assert (experiment.id, comet.asked, list(journals.glob("*.*"))) == (SHARED_KEY, [], [])
    assert [t.name for t in set(threading.enumerate()) - before if t.name.startswith("zenml-comet")] == []
    assert list(experiment.stats().dropped) == ["rank 2 logs nothing"]
    assert experiment.stats().dropped["rank 2 logs nothing"] == 3 + 2 + 1 + 1 + 1
    said = [r for r in caplog.records if r.name.startswith("zenml_comet_tracker")]
    assert [(r.levelno, "ranks='all'" in r.getMessage()) for r in said] == [(logging.INFO, True)]


def test_a_rank_that_may_be_something_elses_name_is_a_warning(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RANK", "16")
    make(ranks="zero").log_metric("m", 1)
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "ZENML_COMET_RANK=0" in caplog.text


def test_a_silent_rank_names_no_page_of_an_experiment_that_is_not_there(make: Make, rank: Any) -> None:
    rank(1)
    place = {"workspace": "team", "project_name": "project"}
    assert make(ranks="zero", **place).url is None
    assert make(ranks="zero", experiment_key=SHARED_KEY, **place).url is not None


def test_all_ranks_need_a_key_that_all_of_them_know(make: Make, rank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(ranks="all")._live.header.primary, "outside of a job there is nobody to share it with"
    for number in (0, 1):
        rank(number)
        with pytest.raises(ConfigurationError, match=r"experiment_key=.*experiment\.env\(\)"):
            make(ranks="all")
    with pytest.raises(ConfigurationError, match="'zero', 'all'"):
        make(ranks="some")


def test_without_a_rule_ranks_mean_nothing(make: Make, rank: Any, comet: ScriptedComet) -> None:
    rank(3)
    experiment = make()
    experiment.log_metric("m", 1)
    assert experiment.end(timeout=20).delivered
    assert [(value["metricName"], value.get("context")) for value in comet.metric_values()] == [("m", None)]
    assert experiment._live.header.primary


def test_all_that_a_further_rank_logs_is_told_apart(make: Make, rank: Any, comet: ScriptedComet) -> None:
    rank(1)
    experiment = make(ranks="all", experiment_key=SHARED_KEY)
    experiment.set_name("of the whole")
    experiment.log_metric("m", 1)
    experiment.log_metric("m", 2, include_context=False)
    experiment.log_metric("m", 3, context="val")
    with experiment.train():
        experiment.log_metrics({"m": 4, "n": {"o": 5}})
        experiment.log_parameter("p", 6)
    experiment.log_other("other", 7)
    assert experiment.end(timeout=20).delivered
    contexts = [(value["metricValue"], value["context"]) for value in comet.metric_values()]
    assert contexts == [(1, "rank_1"), (2, "rank_1"), (3, "rank_1_val"), (4, "rank_1_train"), (5, "rank_1_train")]
    (parameters,) = comet.requests("/experiment/parameter")
    assert [(p["parameterName"], p["context"]) for p in parameters.json["values"]] == [("p", "rank_1_train")]
    assert [asked.json["key"] for asked in comet.requests("/log-other")] == ["Name", "rank_1_other"]


@pytest.mark.parametrize("first_on_its_node", [True, False])
def test_a_further_rank_takes_along_what_it_prints_and_the_load_of_another_machine(
    make: Make, rank: Any, monkeypatch: pytest.MonkeyPatch, comet: ScriptedComet, first_on_its_node: bool
) -> None:
    rank(2)
    monkeypatch.setenv("LOCAL_RANK", "0" if first_on_its_node else "1")
    options = CaptureOptions(log_git_info=True, system_metrics_seconds=1)
    experiment = make(ranks="all", experiment_key=SHARED_KEY, capture=options)
    experiment._record.system_metrics({"sys.load.avg": 0.5})
    (capture,) = experiment._live.companions._attendants
    taken = capture._options  # type: ignore[attr-defined]
    assert (taken.log_output, taken.log_system_metrics) == (True, first_on_its_node)
    assert [taken.log_code, taken.log_git_info, taken.log_system_details] == [False] * 3
    experiment.end(timeout=20)
    assert "rank_2.sys.load.avg" in {value["metricName"] for value in comet.metric_values()}


def test_the_rank_of_a_handle_is_that_of_the_process_when_it_first_logs(
    make: Make, monkeypatch: pytest.MonkeyPatch, comet: ScriptedComet
) -> None:
    """`torch.multiprocessing.spawn` hands the experiment over before the function sets RANK."""
    experiment = make(ranks="all")
    handles = [pickle.loads(pickle.dumps(experiment)) for _ in range(2)]
    for number, handle in enumerate(handles):
        monkeypatch.setenv("RANK", str(number))
        handle.log_metric("m", number)
        assert handle._live.end(None, 20).delivered
    experiment.log_metric("m", 9)
    assert experiment.end(timeout=20).delivered
    contexts = {value["metricValue"]: value.get("context") for value in comet.metric_values()}
    assert contexts == {0: None, 1: "rank_1", 9: None}


def test_a_forked_child_has_its_own_rank(comet: ScriptedComet, journals: Path) -> None:
    program = """
        import os, sys
        from zenml_comet_tracker import Experiment

        root, journals = sys.argv[1:]
        experiment = Experiment(api_key="k", url=root, journal_folder=journals, ranks="zero")
        experiment.log_metric("parent", 1)
        if (child := os.fork()) == 0:
            os.environ["RANK"] = "1"
            experiment.log_metric("child", 2)
            os._exit(0 if experiment.end().delivered else 9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        experiment.log_metric("parent", 3)
        assert experiment.end().delivered
    """
    ours = ["-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program), comet.root, str(journals)]
    done = subprocess.run([sys.executable, *ours], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("rank 1 logs nothing") == 1
    assert [(v["metricName"], v["metricValue"]) for v in comet.metric_values()] == [("parent", 1.0), ("parent", 3.0)]


def test_what_has_no_rule_is_never_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    ranks = Ranks(None)
    assert (ranks.silent, ranks.first, ranks.context, ranks.context_in("train")) == (False, True, None, "train")


def test_ranks_that_a_parent_launched_write_to_its_experiment(
    local_server: LocalServer, journals: Path, tmp_path: Path
) -> None:
    """One of them dies, one ends it as failed, and how it ended is for the parent to say."""
    experiment = Experiment(
        local_server.api_key, tmp_path.name, "team", url=local_server.url, journal_folder=journals, ranks="all"
    )
    program = textwrap.dedent(
        """
        import os
        from zenml_comet_tracker import Experiment

        rank = int(os.environ["RANK"])
        experiment = Experiment()
        experiment.log_metric("loss", rank, step=rank)
        experiment.log_parameter("seed", 40 + rank)
        if rank == 1:
            raise ValueError("rank one dies")
        if rank == 2:
            experiment.end(error="rank two fails")
        """
    )
    environment = {**os.environ, **experiment.env(), "WORLD_SIZE": "3"}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program], env={**environment, "RANK": str(rank)}, stderr=subprocess.PIPE
        )
        for rank in range(3)
    ]
    said = [child.communicate(timeout=120)[1] for child in children]
    assert [child.returncode for child in children] == [0, 1, 0], said
    assert local_server.get("experiment/metadata", experimentKey=experiment.id)["running"]
    assert experiment.end(timeout=30).delivered

    about = local_server.get("experiment/metadata", experimentKey=experiment.id)
    assert (about["running"], about["hasCrashed"]) == (False, False)
    metrics = local_server.get("experiment/metrics/summary", experimentKey=experiment.id)["values"]
    parameters = local_server.get("experiment/parameters", experimentKey=experiment.id)["values"]
    last = {value["name"]: float(value["valueCurrent"]) for value in (*metrics, *parameters)}
    assert last == {"loss": 0, "rank_1_loss": 1, "rank_2_loss": 2, "seed": 40, "rank_1_seed": 41, "rank_2_seed": 42}
