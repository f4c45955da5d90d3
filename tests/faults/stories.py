"""What a step lives through besides the network. Each takes the plan and the board and gives back the step."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.faults import hurry, touches
from tests.faults.board import Board
from tests.faults.plan import Plan
from tests.faults.step import Step
from tests.fixtures.removal import remove


def plain(plan: Plan, board: Board) -> Step:
    """Nothing happens to it, as far as it knows."""
    step = Step(plan, board)
    step.open()
    step.log_over(plan.points, plan.detail.get("seconds", 3.0))
    step.end().save(plan.report_file)
    return step


def leaves(plan: Plan, board: Board) -> Step:
    """Logs and is gone, without a word to the client."""
    step = Step(plan, board)
    step.open()
    step.log_over(plan.points, plan.detail.get("seconds", 1.0))
    print(step.total, flush=True)
    os._exit(plan.detail.get("exit_code", 7))


def endless(plan: Plan, board: Board) -> Step:
    """Logs until somebody ends it."""
    step = Step(plan, board)
    step.open()
    while True:
        step.log(10)
        hurry.pause(0.02)


def dies_at(plan: Plan, board: Board) -> Step:
    """Dies when the client touches its journal in a certain way for the n-th time."""
    touches.watch(plan.journals, plan.detail["place"])
    return plain(plan, board)


def notes_touches(plan: Plan, board: Board) -> Step:
    """Lives, and writes down how the client touches its journal."""
    seen = touches.watch(plan.journals)
    step = plain(plan, board)
    (Path(plan.folder) / "touches").write_text("\n".join(seen))
    return step


def adopts(plan: Plan, board: Board) -> Step:
    """Delivers what another left behind, and dies at a touch of the journal, if one is said."""
    from zenml_comet_tracker.cli.main import main

    board["pid"] = os.getpid()
    touches.watch(plan.journals, plan.detail.get("place"))
    with contextlib.suppress(SystemExit):
        main(["sync", str(plan.journals), "--api-key", plan.api_key, "--json"])
    sys.stdout.flush()
    # Its output is what the command printed, and nothing else.
    os._exit(0)


def threads(plan: Plan, board: Board) -> Step:
    """Logs from eight threads at once."""
    first = Step(plan, board)
    first.open()
    shares = [_share(first, writer) for writer in range(8)]
    workers = [threading.Thread(target=share.log, args=(plan.points,)) for share in shares]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    first.nanoseconds.extend(taken for share in shares for taken in share.nanoseconds)
    return _ended(first)


def _share(first: Step, writer: int) -> Step:
    """Another writer to the same experiment."""
    other = Step(first.plan, first.board, writer=writer)
    other.experiment = first.experiment
    return other


def _ended(first: Step) -> Step:
    """Ends what eight writers logged to; what they all computed is the same, whichever way."""
    first.end().save(first.plan.report_file)
    first.total = 8 * sum(number * 0.5 for number in range(first.plan.points))
    return first


def processes(plan: Plan, board: Board) -> Step:
    """Logs from eight processes to one experiment, forked or spawned; the first process logs nothing but the end."""
    import multiprocessing

    first = Step(plan, board)
    first.open()
    context = multiprocessing.get_context(plan.detail["method"])
    # A daemon may not have children, and a forked step is none that matters here.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    workers = [context.Process(target=_rank, args=(plan.dumps(), writer)) for writer in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return _ended(first)


def _rank(text: str, writer: int) -> None:
    plan = Plan.loads(text)
    hurry.turn_at(plan.rate)
    step = Step(plan, Board(plan.board_file), writer=writer)
    step.open(mode="get_or_create", primary=False)
    step.log(plan.points)
    step.end()


def forks(plan: Plan, board: Board) -> Step:
    """Forks in the middle; parent and child both go on logging."""
    step = Step(plan, board)
    step.open()
    step.log_over(plan.points // 2, 1.0)
    child = os.fork()
    if child == 0:
        own = _share(step, 1)
        own.log(plan.points)
        own.experiment.end(plan.timeout)
        os._exit(3)
    step.log(plan.points - plan.points // 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    step.end().save(plan.report_file)
    return step


def _turned(plan: Plan, board: Board, turn: Callable[[], Any]) -> Step:
    """Something turns for the worse in the middle of the step, under the fault that the plan names."""
    step = Step(plan, board)
    step.open()
    step.log_over(plan.points // 3, 1.0)
    if plan.fault:
        step.meet(plan.fault)
    turn()
    step.log_over(plan.points // 3, 10.0 if plan.fault else 1.0)
    if plan.fault:
        step.meet("")
    step.log(plan.points - 2 * (plan.points // 3))
    step.end().save(plan.report_file)
    return step


def disk_fills(plan: Plan, board: Board) -> Step:
    """No file can grow beyond a few thousand bytes any more: the kernel writes a part, then refuses."""
    limit = plan.detail.get("bytes", 12_345)
    return _turned(plan, board, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))


def folder_goes(plan: Plan, board: Board) -> Step:
    """Somebody deletes the journals."""
    return _turned(plan, board, lambda: remove(plan.journals))


def nowhere_to_write(plan: Plan, board: Board) -> Step:
    """No folder takes a journal: neither the one asked for, nor the user's, nor the temporary one."""
    import tempfile

    tempfile.tempdir = "/proc/none"
    os.environ["XDG_STATE_HOME"] = "/proc/none"
    return plain(replace(plan, arguments={**plan.arguments, "journal_folder": "/proc/none"}), board)


def memory_fills(plan: Plan, board: Board) -> Step:
    """The disk is full, the server away, and the files that are logged are more than memory may hold of them."""
    step = Step(plan, board)
    step.open()
    step.meet(plan.fault)
    resource.setrlimit(resource.RLIMIT_FSIZE, (plan.detail["bytes"], resource.RLIM_INFINITY))
    step.log(plan.points)
    for number in range(step.points_of_rarer_kinds, plan.detail["files"]):
        step.experiment.log_asset_data(b"x" * plan.detail["size"], name=f"a0.{number}")
        board.returned("assets")
    step.meet("")
    step.end().save(plan.report_file)
    return step


def clock_goes_back(plan: Plan, board: Board) -> Step:
    """The wall clock is set back by an hour."""

    def turn() -> None:
        millis, seconds = time.time_ns, time.time
        time.time_ns = lambda: millis() - 3600 * 10**9
        time.time = lambda: seconds() - 3600.0

    return _turned(plan, board, turn)


def soak(plan: Plan, board: Board) -> Step:
    """Logs at a steady pace for long, and keeps nothing of it in memory."""
    step = Step(plan, board, timed=False)
    step.open()
    end = time.monotonic() + plan.detail["seconds"]
    while time.monotonic() < end:
        step.log(plan.detail["points_a_second"] // 10)
        hurry.pause(0.1)
    step.end().save(plan.report_file)
    return step
