"""What a forked child of a step lets go of: ZenML's handlers of signals, which are for the step's own process."""

from __future__ import annotations

import signal
from typing import Any

from zenml_comet_tracker.comet import forks

_DEFAULTS: dict[signal.Signals, Any] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}


def let_go() -> None:
    """Takes ZenML's handlers of SIGTERM and SIGINT off, where it has any, and puts back those from before the step.

    In a child they would ask ZenML's store over connections of the parent's, and hang there, when a pool ends its
    workers; a worker that still delivers what it logged is there to get the signal.
    """
    for number, default in _DEFAULTS.items():
        handler: Any = signal.getsignal(number)
        owner: Any = getattr(handler, "__self__", None)
        if _is_zenmls(owner) and hasattr(owner, "unregister"):
            owner.unregister()
        elif _is_zenmls(handler):
            signal.signal(number, default)


def _is_zenmls(thing: Any) -> bool:
    module = getattr(thing, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] == "zenml"


def watch() -> None:
    """Has every process that is forked from now on let go. To be called once."""
    forks.change_handlers(let_go)
