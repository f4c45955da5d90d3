"""What to type to see something on an empty page. No snippet holds the API key: each fetches it where it runs."""

from __future__ import annotations


def snippets(workspace: str = "local", project: str = "general") -> list[tuple[str, str]]:
    """Titles and texts, for a project of this name."""
    return [("From Python", _python(workspace, project)), ("From a ZenML pipeline", _zenml(workspace, project))]


def _python(workspace: str, project: str) -> str:
    return f"""from zenml_comet_tracker import Experiment
from zenml_comet_tracker.local.launch import address

local = address()
with Experiment(
    local.api_key, {workspace!r}, {project!r}, url=local.url
) as experiment:
    experiment.log_parameter("lr", 0.001)
    for step in range(100):
        experiment.log_metric("loss", 1 / (step + 1), step=step)"""


def _zenml(workspace: str, project: str) -> str:
    return f"""zenml experiment-tracker flavor register \\
    zenml_comet_tracker.flavor.CometExperimentTrackerFlavor
zenml experiment-tracker register comet --flavor=comet_rest \\
    --url=local --workspace={_shell(workspace)} --project_name={_shell(project)}
zenml stack register comet -o default -a default -e comet --set

# then, in the pipeline's file
from zenml_comet_tracker import log_metrics

@step(experiment_tracker="comet")
def train() -> None:
    log_metrics({{"loss": 0.3}}, step=1)"""


def _shell(text: str) -> str:
    if text and all(letter.isalnum() or letter in "-_." for letter in text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"
