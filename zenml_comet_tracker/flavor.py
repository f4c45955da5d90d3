"""What ZenML knows of this tracker before a step runs: its settings, its configuration, its flavor.

Loads neither an HTTP library nor the tracker itself, so that ZenML can read a stack without paying for either.
"""

from __future__ import annotations

import difflib
import logging
import sys
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from zenml.config.base_settings import BaseSettings
from zenml.experiment_trackers.base_experiment_tracker import (
    BaseExperimentTrackerConfig,
    BaseExperimentTrackerFlavor,
)
from zenml.utils.secret_utils import SecretField, is_secret_reference

from zenml_comet_tracker.comet.errors import ConfigurationError

if TYPE_CHECKING:
    from zenml_comet_tracker.tracker import CometExperimentTracker

logger = logging.getLogger(__name__)

FLAVOR = "comet_rest"
SOURCE = f"{__name__}.CometExperimentTrackerFlavor"
LOCAL = "local"

_REPOSITORY = "https://github.com/zenml-comet-tracker/zenml-comet-tracker"


# Names of ZenML's own Comet integration and of Comet's client, and what they are here.
_ELSEWHERE = {
    "settings": "What ZenML's own integration hands on to Comet's client are settings of their own here: log_code, "
    "log_git, log_environment, log_output, log_system_metrics, project_name, workspace.",
    "experiment_name": "Did you mean 'run_name'?",
    "name": "Did you mean 'run_name'?",
    "project": "Did you mean 'project_name'?",
}


class CometExperimentTrackerSettings(BaseSettings):
    """What may differ from pipeline to pipeline and from step to step.

    Any of these can also be set on the component, where it holds for every step. A step's value replaces the
    pipeline's, and that the component's; `tags` add up instead.

    >>> CometExperimentTrackerSettings(tags=["baseline"], project_name="digits").project_name
    'digits'
    """

    run_name: str | None = Field(default=None, description="Name of the experiment; `<run>_<step>` when not set.")
    tags: list[str] = Field(default=[], description="Tags besides the automatic ones.")
    auto_tags: list[Literal["pipeline", "run", "zenml"]] = Field(
        default=["pipeline", "run", "zenml"],
        description="Automatic tags: name of the `pipeline`, name and id of the `run`, the pipeline's tags in `zenml`.",
    )
    workspace: str | None = Field(default=None, description="Comet workspace; the API key's default one when not set.")
    project_name: str | None = Field(default=None, description="Comet project; the server's default one when not set.")
    on_retry: Literal["continue", "new"] = Field(
        default="continue",
        description="What a retried or resumed step does: `continue` its experiment, or a `new` one for each attempt.",
    )
    experiment_key: str | None = Field(
        default=None,
        description="Key of the experiment to log to, 32 to 50 letters and digits; it is made when there is none. One "
        "that is joined keeps its name unless `run_name` is set. A key of the step's own when not set.",
    )
    finish_timeout: float = Field(
        default=60.0,
        ge=0,
        le=86400,
        allow_inf_nan=False,
        description="Seconds that the end of a step waits, at most, for what was logged to be delivered.",
    )
    strict: bool = Field(
        default=False,
        description="Fail the step when it cannot be tracked or not all of it was delivered in time, instead of "
        "warning and running on.",
    )
    durability: Literal["process", "sync"] = Field(
        default="process",
        description="What a logged value survives once the call returned: `process` the death of the process, "
        "`sync` a power cut too, at the price of one fsync a call.",
    )
    protocol: Literal["auto", "batch", "rest"] | None = Field(
        default=None,
        description="How Comet is spoken to: `batch` as its own client does, `rest` by the documented calls only, "
        "`auto` (or not set) finds out what the server takes.",
    )
    ranks: Literal["zero", "all"] = Field(
        default="zero",
        description="Who logs in a distributed training whose launcher sets `RANK` or its like: rank `zero` alone, or "
        "`all`, those after the first with the context `rank_<n>`.",
    )
    journal_persistent: bool | None = Field(
        default=None,
        description="Whether the journal outlives the step and its container. Guessed when not set: not in memory or a "
        "temporary folder, and in a container only on a volume.",
    )

    log_step_parameters: bool = Field(
        default=True, description="Log the step's parameters; values of names like `api_key` or `password` are hidden."
    )
    log_zenml_context: bool = Field(
        default=True,
        description="Log run, step, user, stack, model version, tags, commit and the dashboard's address as others.",
    )
    log_artifacts: bool = Field(
        default=True, description="Log the step's input and output artifacts as remote assets: their URIs and ids."
    )
    log_code: bool = Field(default=True, description="Log the source file of the step's function.")
    log_git: bool = Field(default=True, description="Log commit, branch, origin and user of that file's repository.")
    log_git_patch: bool = Field(
        default=False,
        description="With `log_git`, log what is not committed there as well, whatever stands in it.",
    )
    log_environment: bool = Field(
        default=True, description="Log machine, Python, command and installed packages of the step's process."
    )
    log_system_metrics: bool = Field(
        default=True, description="Log CPU, memory, disk, network and GPU use while the step runs."
    )
    system_metrics_seconds: float | None = Field(
        default=None,
        ge=1,
        le=86400,
        allow_inf_nan=False,
        description="Seconds from one sample of these to the next; what the server wishes when not set, as a rule 60.",
    )
    log_output: bool = Field(
        default=True, description="Log what the step prints and logs, which the console shows all the same."
    )
    log_final_metrics: bool = Field(
        default=True, description="Tell ZenML the last value of each metric, on the step run and on its model version."
    )

    # What is unknown goes no further: it may be a key that was meant for the component. A wrong type is reported
    # without its input for the same reason.
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    def __init__(self, **values: Any) -> None:
        # ZenML would hide what pydantic says behind an error of its own, which prints all values, secret ones too.
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigurationError(_what_is_wrong(error, values)) from None

    @model_validator(mode="before")
    @classmethod
    def _name_what_is_unknown(cls, data: Any) -> Any:
        # Here, because ZenML itself drops what it does not know only when it compiles the pipeline, and names no cure.
        if isinstance(data, dict):
            # What is empty is not meant: ZenML's own settings class brings its unset ones along.
            for name in (name for name in data.keys() - cls.model_fields.keys() if data[name] not in (None, {}, [])):
                logger.warning(
                    "Unknown setting %r of the Comet experiment tracker is ignored. %s", name, cls._cure(name)
                )
        return data

    @classmethod
    def _cure(cls, name: str) -> str:
        if name in CometExperimentTrackerConfig.model_fields:
            return f"It belongs to the component: zenml experiment-tracker update <name> --{name}=..."
        if name in _ELSEWHERE:
            return _ELSEWHERE[name]
        near = difflib.get_close_matches(name, cls.model_fields, n=1)
        return f"Did you mean {near[0]!r}?" if near else f"Known settings: {', '.join(sorted(cls.model_fields))}."


class CometExperimentTrackerConfig(BaseExperimentTrackerConfig, CometExperimentTrackerSettings):
    """What belongs to the registered component: where Comet is and who we are there.

    Text fields take secret references (`{{secret.key}}`). No default of a setting is overridden here, because ZenML
    hands only explicitly set values on to a step.
    """

    api_key: str | None = SecretField(
        default=None,
        repr=False,
        description="Comet API key; best a secret reference. Found in the component's secrets, the environment or "
        "Comet's configuration files when not set.",
    )
    url: str | None = Field(
        default=None,
        description="`local` for the embedded server, which is started when needed; the root of a self-hosted Comet; "
        "`offline` to keep everything in the journal for `zenml-comet sync`; comet.com when not set.",
    )
    journal_folder: str | None = Field(
        default=None, description="Folder where values wait for their delivery; the user's state folder when not set."
    )
    journal_max_bytes: int | None = Field(
        default=None, gt=0, description="Bytes that the journals of that folder may take together; 10 GiB when not set."
    )
    requirements: list[str] | None = Field(
        default=None,
        description="What ZenML installs into its images for the tracker, as pip takes it; `[]` for nothing. This "
        "package, in the version or from the address that it was installed from here, when not set.",
    )


def _what_is_wrong(error: ValidationError, values: dict[str, Any]) -> str:
    """Each setting that cannot be used, and what it should be; no values, because one may be a key in a wrong place."""
    found: list[str] = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name, *inside = problem["loc"] or ("",)
        shown = f"{name}{''.join(f'[{place!r}]' for place in inside)}"
        if is_secret_reference(values.get(str(name))):
            said = "takes no reference to a secret, which only texts do"
        else:
            said = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
        found.append(f"{shown} {said}".strip())
    return f"Settings of the Comet experiment tracker that cannot be used: {'; '.join(found)}."


class CometExperimentTrackerFlavor(BaseExperimentTrackerFlavor):
    """The flavor `comet_rest`. ZenML's own integration owns the name `comet`."""

    @property
    def name(self) -> str:
        """The name to register components with: `--flavor=comet_rest`."""
        return FLAVOR

    @property
    def docs_url(self) -> str:
        """Where registration, settings and behaviour are described."""
        return f"{_REPOSITORY}/blob/main/docs/zenml.md"

    @property
    def sdk_docs_url(self) -> str:
        """Where every setting is listed."""
        return f"{_REPOSITORY}/blob/main/docs/zenml-settings.md"

    @property
    def logo_url(self) -> str:
        """The logo that ZenML's dashboard shows."""
        return "https://public-flavor-logos.s3.eu-central-1.amazonaws.com/experiment_tracker/comet.png"

    @property
    def config_class(self) -> type[CometExperimentTrackerConfig]:
        """The configuration of a component of this flavor."""
        return CometExperimentTrackerConfig

    @property
    def implementation_class(self) -> type[CometExperimentTracker]:
        """The tracker. Raises `RuntimeError` on Windows, where the journal's file locks do not exist."""
        if sys.platform == "win32":
            raise RuntimeError("zenml-comet-tracker runs on Linux and macOS; Windows is not supported (WSL is Linux).")
        from zenml_comet_tracker.tracker import CometExperimentTracker

        return CometExperimentTracker
