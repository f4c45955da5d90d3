"""Names that every server takes, of whatever length and script those are that people gave.

What is too long ends in a hash, so that two long names that differ stay different. Empty where nothing is left.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zenml_comet_tracker.comet.texts import NAME_LIMIT, clean, quoted, shortened, text_of

if TYPE_CHECKING:
    from zenml_comet_tracker.comet.settings import ResolvedSettings

logger = logging.getLogger(__name__)

# In characters. Comet publishes no limit for the name of an experiment; this is what the local Comet's lists show.
EXPERIMENT_LIMIT = 250


def one_line(name: Any) -> str:
    """A name in one line: a control character or line end is a blank, and there is never more than one blank.

    >>> one_line("first\\r\\n second\\x07")
    'first second'
    """
    return " ".join("".join(" " if _breaks(letter) else letter for letter in clean(text_of(name))).split())


def experiment_name(name: Any) -> str:
    """The name of an experiment, in one line of at most 250 characters."""
    return shortened(one_line(name), EXPERIMENT_LIMIT)


def place_name(name: Any) -> str | None:
    """The name of a project or workspace, which is a part of an address; None, for the default one, when empty.

    A slash becomes a dash, what cannot be printed a blank.

    >>> place_name("team/digits"), place_name(" .. ")
    ('team-digits', None)
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in clean(text_of(name)))
    found = " ".join(printable.replace("/", "-").replace("\\", "-").split())
    return shortened(found, NAME_LIMIT) if found.strip(".") else None


def placed(found: ResolvedSettings) -> ResolvedSettings:
    """The same settings with a workspace and a project that servers take; what had to change is said in a warning."""
    workspace, project = _valid("workspace", found.workspace), _valid("project", found.project_name)
    return replace(found, workspace=workspace, project_name=project)


def _valid(kind: str, given: str | None) -> str | None:
    if given is None:
        return None
    name = place_name(given)
    if name != given:
        _say_changed(kind, quoted(given), "the default one" if name is None else repr(name))
    return name


# Once a process for each name, not once a step.
@functools.lru_cache(maxsize=100)
def _say_changed(kind: str, given: str, used: str) -> None:
    logger.warning(
        "No server has a %s %s, %s is used: such a name has at most %s characters, and no slashes or line ends.",
        kind,
        given,
        used,
        NAME_LIMIT,
    )


def _breaks(letter: str) -> bool:
    # The separators of lines and paragraphs are no control characters.
    return letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029"
