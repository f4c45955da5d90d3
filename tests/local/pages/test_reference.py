"""The page of calls says of each what it takes and answers, in words, without a script."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.local_server import LocalServer


@pytest.fixture(scope="module")
def html(local_server: LocalServer) -> str:
    return local_server.call("GET", "docs").text


def call_of(html: str, operation_id: str) -> str:
    """The text of one call, its markup taken out."""
    found = re.search(f'<details id="{operation_id}">(.*?)</details>', html, re.DOTALL)
    assert found is not None
    return " ".join(re.sub("<[^>]*>", " ", found[1]).split())


def test_a_call_with_a_body(html: str) -> None:
    assert call_of(html, "POST_api_rest_v2_write_experiment_metric") == (
        "POST /api/rest/v2/write/experiment/metric Stores one value. Takes experimentKey text body, required "
        "metricName text body, required metricValue anything body, required context text body step whole number body "
        "epoch number body timestamp milliseconds since 1970 body Answers: OK."
    )


def test_a_call_with_a_query(html: str) -> None:
    shown = call_of(html, "GET_api_rest_v2_experiment_tags")
    assert shown.endswith("Takes experimentKey text query, required Answers tags list of texts")


def test_a_call_with_a_file_and_one_that_answers_a_file(html: str) -> None:
    upload = call_of(html, "POST_clientlib_asset_upload")
    assert "experimentId text query, required" in upload
    assert "file file part" in upload
    assert call_of(html, "GET_api_rest_v2_experiment_asset_get_asset").endswith("Answers: Bytes.")


def test_calls_of_every_kind_that_take_nothing_or_are_not_supported(html: str) -> None:
    assert "Takes nothing." in call_of(html, "GET_clientlib_health_ping")
    assert call_of(html, "POST_api_rest_v2_write_views_upsert").endswith("Not supported here: 501.")
    assert "the body list of objects: experimentKey, parameterName body, required" in call_of(
        html, "POST_api_rest_v2_write_experiments_parameters_delete"
    )


def test_every_call_is_there_once_and_every_page_leads_to_them(html: str, local_server: LocalServer) -> None:
    paths = local_server.call("GET", "openapi.json").json()["paths"]
    identities = re.findall('<details id="([^"]*)">', html)
    assert sorted(identities) == sorted(each["operationId"] for path in paths.values() for each in path.values())
    assert '<a class="quiet" href="/docs">' in local_server.call("GET", "").text
