"""Which settings are in force for a step: those of the component, its pipeline and itself, laid over each other."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from typing import Any

from zenml.utils.secret_utils import is_secret_reference

from zenml_comet_tracker.flavor import CometExperimentTrackerConfig, CometExperimentTrackerSettings

logger = logging.getLogger(__name__)

_FIELDS = CometExperimentTrackerSettings.model_fields
# They add up instead.
_TAGS = "tags"
_REFERENCE = re.compile(r"\{\{\s*[^\s{}.]+\.[^\s{}]+\s*\}\}")


def in_force(
    config: CometExperimentTrackerConfig, keys: tuple[str, ...], container: Any
) -> CometExperimentTrackerSettings:
    """The settings of a step, a step run, a run or a snapshot; of a component that ZenML knows by one of the `keys`.

    A step's value goes before the pipeline's, and that before the component's; `tags` are all of theirs. None says
    nothing at any level. References to secrets are left unresolved.
    """
    # ZenML's own version of this hands on the whole configuration, with the API key in it.
    own = config.model_dump(include=set(_FIELDS), exclude_unset=True)
    pipeline = getattr(container, "pipeline_configuration", None) or getattr(container, "pipeline", None)
    layers = [own, _given(pipeline, keys), _given(getattr(container, "config", None), keys)]
    merged = {name: value for layer in layers for name, value in layer.items() if name in _FIELDS and value is not None}
    merged[_TAGS] = list(dict.fromkeys(str(tag) for layer in layers for tag in layer.get(_TAGS) or ()))
    for name, value in merged.items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and _REFERENCE.search(text) and not (text is value and is_secret_reference(text)):
                _say_unresolved(name, text)
    return CometExperimentTrackerSettings(**merged)


# Once a process for each text, not once a step.
@functools.lru_cache(maxsize=100)
def _say_unresolved(name: str, text: str) -> None:
    logger.warning(
        "The setting %r is used as it is written, %r: a reference to a secret is resolved only where it is the whole "
        "of a text, and not in a list.",
        name,
        text,
    )


def _given(configuration: Any, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """What a pipeline's or a step's configuration sets for the component, references unresolved."""
    settings = getattr(configuration, "settings", None) or {}
    # ZenML drops a None on a step when it compiles, and keeps that on a pipeline.
    return next((dict(settings[key]) for key in keys if key in settings), {})
