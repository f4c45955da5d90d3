"""What is told of assets whose content lies elsewhere."""

from __future__ import annotations

import pytest

from zenml_comet_tracker.cli import elsewhere


@pytest.mark.parametrize(
    ("metadata", "artifact", "version"),
    [
        ('{"zenml_artifact": "weights", "zenml_artifact_version": "3"}', "weights", "3"),
        # Users' own assets have metadata of their own.
        ({"zenml_artifact": 5, "zenml_artifact_version": [1]}, "5", "[1]"),
        ("[1]", None, None),
        ("no JSON", None, None),
        (None, None, None),
    ],
    ids=["an artifact", "others", "a list", "a text", "nothing"],
)
def test_an_artifact_is_told_in_words_whatever_the_metadata_hold(
    metadata: object, artifact: str | None, version: str | None
) -> None:
    told = elsewhere.described({"remote": True, "link": "s3://there", "metadata": metadata})
    assert told == {"link": "s3://there", "artifact": artifact, "artifact_version": version}
