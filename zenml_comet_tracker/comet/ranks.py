"""The rank of this process in a distributed job, and what it logs there."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping

from zenml_comet_tracker.comet.lazy import lazy

# Rank zero logs, or all of them do, each by its name.
ZERO, ALL = "zero", "all"
RULES = (ZERO, ALL)
# The process that started this one is not tracked.
NOBODY = "nobody"

_UNTRACKED = "the process that started this one is not tracked"

# For launchers that set none of the others, and to contradict one that means something else.
VARIABLE = "ZENML_COMET_RANK"
# Of the whole job, with the variable that says how many there are: launchers that start others come last.
_OF_THE_JOB = (
    (VARIABLE, None),
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", None),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)
# Of one machine.
_OF_THE_NODE = (
    "LOCAL_RANK",
    "OMPI_COMM_WORLD_LOCAL_RANK",
    "MPI_LOCALRANKID",
    "MV2_COMM_WORLD_LOCAL_RANK",
    "JSM_NAMESPACE_LOCAL_RANK",
    "SLURM_LOCALID",
)
_NODES = ("GROUP_RANK", "NODE_RANK")


def rank_of(environment: Mapping[str, str]) -> str | None:
    """The rank that a launcher's variables name, "0" and on; None outside of a distributed job.

    Where only the rank on a machine is known it is that, behind the machine's number: "1_0" is the first process of the
    second machine, unless its number in the whole job can be told.
    """
    for name, size in _OF_THE_JOB:
        rank, ranks = _number(environment, name), _number(environment, size)
        # A program may have a variable of this name for something else.
        if rank is not None and (ranks is None or rank < ranks):
            return str(rank)
    local = _number(environment, _OF_THE_NODE[0])
    if local is None:
        return None
    node = next((number for name in _NODES if (number := _number(environment, name)) is not None), 0)
    if not node:
        return str(local)
    on_each = _number(environment, "LOCAL_WORLD_SIZE")
    return f"{node}_{local}" if on_each is None else str(node * on_each + local)


def is_first_on_its_node(environment: Mapping[str, str]) -> bool:
    """Whether the variables say that no process of the job comes before this one on its machine."""
    found = (_number(environment, name) for name in _OF_THE_NODE)
    return next((number for number in found if number is not None), None) == 0


class Ranks:
    """What the rank of this process means for one experiment, by a rule; None is for those that know of no ranks.

    The rank is found out with the first call: who starts ranks sets their variables by then.
    """

    def __init__(self, rule: str | None) -> None:
        self.rule = rule

    @lazy
    def _rank(self) -> str:
        """Of this process; that of the first one outside of a distributed job."""
        return "0" if self.rule is None else rank_of(os.environ) or "0"

    @property
    def first(self) -> bool:
        """Whether it is rank zero, which alone ends the experiment."""
        return self._rank == "0"

    @lazy
    def silent(self) -> bool:
        """Whether this process logs nothing."""
        # The rank first: an experiment that begins asks this, and its rank is settled then.
        return (not self.first and self.rule == ZERO) or self.rule == NOBODY

    @lazy
    def context(self) -> str | None:
        """The context that tells its values from those of rank zero; None for those of rank zero."""
        return None if self.rule != ALL or self.first else f"rank_{self._rank}"

    def context_in(self, context: str | None) -> str | None:
        """A context of this process, as it is told from rank zero's."""
        own = self.context
        return context if own is None else own if context is None else f"{own}_{context}"

    def name_in(self, name: str) -> str:
        """The name of a value that has no context, as it is told from rank zero's."""
        return name if self.context is None else f"{self.context}_{name}"

    @property
    def reason(self) -> str:
        """Why a silent process drops what it logs, as it is counted."""
        return _UNTRACKED if self.rule == NOBODY else f"rank {self._rank} logs nothing"

    @property
    def explanation(self) -> str:
        """The same, with what to do where that is wrong."""
        if self.rule == NOBODY:
            return self.reason
        return (
            f"{self.reason} (ranks={ZERO!r}), rank 0 does. With ranks={ALL!r} all of them log; {VARIABLE}=0 is for a "
            "process that is no rank."
        )

    @property
    def level(self) -> int:
        """How loud that is to be said: where nobody says how many ranks there are it may be something else's name."""
        return logging.INFO if _number(os.environ, "WORLD_SIZE") or "RANK" not in os.environ else logging.WARNING


def _number(environment: Mapping[str, str], name: str | None) -> int | None:
    text = environment.get(name, "").strip() if name else ""
    return int(text) if text.isascii() and text.isdigit() else None
