"""The doctor's stages in their order: what leans on a stage that failed is skipped, the rest is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from zenml_comet_tracker.cli.diagnosis.findings import CODES, Finding, skipped
from zenml_comet_tracker.cli.diagnosis.subject import Question, find_subject

_ORDER = list(CODES)
_OF_NETWORK = _ORDER[_ORDER.index("DNS") : _ORDER.index("quota") + 1]


def examine(question: Question) -> Iterator[Finding]:
    """A finding for every stage, each as soon as it is known."""
    from zenml_comet_tracker.cli.diagnosis import machine, network

    subject = yield from find_subject(question)
    left = list(_OF_NETWORK)
    why = "it is not known which server"
    if subject.settings is not None and subject.settings.offline:
        why = "offline: nothing is sent before `zenml-comet sync`"
    elif subject.settings is not None:
        why = "an earlier stage failed"
        for finding in network.examine(subject.settings, question.timeout):
            while left[0] != finding.stage:
                yield skipped(left.pop(0), "could not be told")
            del left[0]
            yield finding
    yield from (skipped(stage, why) for stage in left)
    yield machine.journal(subject)
    yield machine.versions(subject)
    yield machine.flavor(subject)
