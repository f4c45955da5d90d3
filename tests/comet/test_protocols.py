"""Batch and documented REST, and the way from the one to the other, turn by turn."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.comet.scripted import Answer, Asked, ScriptedComet
from tests.comet.spoken import (
    BATCHES,
    KEY,
    NO_CLIENTLIB,
    SERVER_KEY,
    Spoken,
    offer_rest,
    refuse,
    rest_values,
)
from zenml_comet_tracker.comet.delivery.protocol import chosen_protocol
from zenml_comet_tracker.comet.delivery.quota import REQUESTS, VALUES, Limit
from zenml_comet_tracker.comet.errors import ConfigurationError
from zenml_comet_tracker.comet.journal.record import REST

WRITE = "/api/rest/v2/write/experiment/"
ALL_STEPS = [(KEY, step) for step in range(3)]


@pytest.fixture
def speak(comet: ScriptedComet, tmp_path: Path) -> Iterator[Callable[..., Spoken]]:
    """Makes writers whose journals lie in one folder."""
    made: list[Spoken] = []

    def build(**arguments: Any) -> Spoken:
        made.append(Spoken(comet, tmp_path, **arguments))
        return made[-1]

    yield build
    for spoken in made:
        spoken.close()


def posted(comet: ScriptedComet, end: str) -> dict[str, Any]:
    (asked,) = comet.requests(WRITE + end)
    body: dict[str, Any] = asked.json
    return body


def test_the_protocol_is_named_by_argument_then_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_protocol(None) == "auto"
    monkeypatch.setenv("ZENML_COMET_PROTOCOL", "rest")
    assert (chosen_protocol(None), chosen_protocol("batch")) == ("rest", "batch")
    monkeypatch.setenv("ZENML_COMET_PROTOCOL", "carrier pigeon")
    with pytest.raises(ConfigurationError, match="'auto', 'batch', 'rest'"):
        chosen_protocol(None)


class TestFactsAtOnce:
    """Servers that take many facts in a request, which Comet does not."""

    NAMES = ("a", "b", "c", "d", "e")

    def log(self, spoken: Spoken) -> None:
        """Five others, with tags before the third and something printed, which is no fact, before the fourth."""
        for name in self.NAMES:
            if name == "c":
                spoken.writer.append(REST, [{"t": 5, "k": "tags", "tags": ["between"]}])
            if name == "d":
                printed = {"t": 5, "k": "output", "text": "between\n", "stderr": False, "context": None, "offset": 0}
                spoken.writer.append(REST, [printed])
            spoken.writer.append(REST, [{"t": 5, "k": "other", "name": name, "value": name.upper()}])

    def sent(self, comet: ScriptedComet) -> list[tuple[str, list[str]]]:
        """The mark, and the names or kinds, of each request with facts."""
        ends = ("log-other", "log-facts", "add-tags-to-experiment")
        return [
            (
                asked.headers["x-comet-lane"].split("/", 1)[1],
                [fact.get("key", "tags") for fact in asked.json.get("facts", [asked.json])],
            )
            for asked in comet.asked
            if asked.path.endswith(ends)
        ]

    def test_facts_that_follow_each_other_go_together_and_in_order(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        comet.facts_at_once = 3
        spoken = speak()
        self.log(spoken)
        spoken.turns(2)

        assert self.sent(comet) == [("rest/1", ["a", "b", "tags"]), ("rest/4", ["c"]), ("rest/6", ["d", "e"])]
        first, last = (asked.json["facts"] for asked in comet.requests(WRITE + "log-facts"))
        assert first[2] == {"kind": "tags", "addedTags": ["between"]}
        assert last[0] == {"kind": "log-other", "key": "d", "value": "D", "timestamp": 5}
        ends = [asked.path.rpartition("/")[2] for asked in comet.asked]
        assert ends.index("log-other") < ends.index("output") < len(ends) - ends[::-1].index("log-facts") - 1
        assert spoken.courier.delivered == 7

    def test_a_server_that_does_not_offer_it_gets_them_one_by_one(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        spoken = speak()
        self.log(spoken)
        spoken.turns(2)
        assert [names for _, names in self.sent(comet)] == [["a"], ["b"], ["tags"], ["c"], ["d"], ["e"]]

    def test_a_large_one_goes_by_itself(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        comet.facts_at_once = 100
        spoken = speak()
        for name, length in (("a", 1), ("b", 200_000), ("c", 1), ("d", 1)):
            spoken.writer.append(REST, [{"t": 5, "k": "other", "name": name, "value": "v" * length}])
        spoken.turns(2)
        assert [names for _, names in self.sent(comet)] == [["a"], ["b"], ["c", "d"]]

    def test_the_one_that_is_refused_is_set_aside_and_a_damaged_one_skipped(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        comet.facts_at_once = 100
        comet.rules.append(
            lambda asked: (
                Answer(400, {"msg": "no"}) if asked.path.startswith(WRITE + "log-") and b'"B"' in asked.body else None
            )
        )
        spoken = speak()
        self.log(spoken)
        (segment,) = spoken.writer.folder.glob("rest.0*.jsonl")
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(b"".join([*lines[:3], lines[3].replace(b'"k"', b"'k'"), *lines[4:]]))
        spoken.turns(4)

        assert {name for _, names in self.sent(comet) for name in names} == {"a", "b", "tags", "d", "e"}
        assert spoken.courier.delivered == 5


class TestFactsSideBySide:
    """Servers that take one fact a request, as Comet does, and keep no order of records."""

    def log(self, spoken: Spoken, names: str, kind: str = "other") -> None:
        for name in names:
            spoken.writer.append(REST, [{"t": 5, "k": kind, "name": name, "value": name.upper()}])

    def test_facts_about_different_things_are_under_way_at_the_same_time(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        comet.lanes = False
        together = threading.Barrier(6)
        comet.answer_with("log-other", Answer(first=lambda: together.wait(20)), times=6)
        spoken = speak()
        # The second `a` takes the place of the first, so it waits for it.
        self.log(spoken, "abcdefaga")
        spoken.turns(1)

        keys = [asked.json["key"] for asked in comet.requests(WRITE + "log-other")]
        # A barrier that waits for somebody for too long breaks, and what it breaks is sent again.
        assert ["".join(sorted(wave)) for wave in (keys[:6], keys[6:8], keys[8:])] == ["abcdef", "ag", "a"]
        assert (spoken.courier.delivered, together.broken) == (9, False)

    def test_the_one_that_is_refused_is_set_aside_and_no_other(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        comet.lanes = False

        def rule(asked: Asked) -> Answer | None:
            if asked.path.endswith("log-other") and asked.json["key"] == "b":
                return Answer(400, {"msg": "no"})
            # A server without this path at all.
            return Answer(404, {"msg": "no"}) if asked.path.endswith("file-path") else None

        comet.rules.append(rule)
        spoken = speak()
        spoken.writer.append(REST, [{"t": 5, "k": "file_path", "path": "/here"}])
        self.log(spoken, "abcd")
        spoken.turns(2)

        keys = {asked.json["key"] for asked in comet.requests(WRITE + "log-other")}
        assert (keys, spoken.courier.delivered, spoken.courier.refused) == ({*"abcd"}, 3, 2)

    def test_an_outage_in_the_middle_loses_none(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        comet.lanes = False
        left = [2]

        def rule(asked: Asked) -> Answer | None:
            if asked.path.endswith("log-other") and asked.json["key"] in "ce" and left[0]:
                left[0] -= 1
                return Answer(503)
            return None

        comet.rules.append(rule)
        spoken = speak()
        self.log(spoken, "abcdef")
        spoken.turns(1)
        assert spoken.courier.delivered == 0
        spoken.now += 60
        spoken.turns(1)
        assert spoken.courier.delivered == 6

    def test_a_server_that_takes_some_of_them_at_a_time_gets_each_once(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        """As one whose limit is lower than what goes together."""
        comet.lanes = False
        taken: list[str] = []
        asked_for = itertools.count()

        def rule(asked: Asked) -> Answer | None:
            if not asked.path.endswith("log-other"):
                return None
            if next(asked_for) % 3:
                return Answer(429)
            taken.append(asked.json["key"])
            return None

        comet.rules.append(rule)
        spoken = speak()
        self.log(spoken, "abcdef")
        for _ in range(12):
            spoken.turn(60)
        assert (sorted(taken), spoken.courier.delivered) == ([*"abcdef"], 6)


class TestRest:
    """`protocol="rest"`."""

    def test_every_record_goes_to_its_documented_endpoint(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        spoken = speak(protocol="rest")
        spoken.everything()
        spoken.turns(2)

        assert [asked.path for asked in comet.asked if "/rest/v2/" not in asked.path] == ["/clientlib/logger/add/run"]
        point = {"metricName": "m", "metricValue": 0.0, "step": 0, "epoch": 0.5, "context": "train", "timestamp": 7}
        assert comet.requests(WRITE + "metric")[0].json == {"experimentKey": KEY, **point}
        assert rest_values(comet) == ALL_STEPS
        assert [asked.json for asked in comet.requests(WRITE + "parameter")] == [
            {"experimentKey": KEY, "parameterName": "lr", "parameterValue": 0.1, "step": 3, "context": "train",
             "timestamp": 5},
            {"experimentKey": KEY, "parameterName": "opt", "parameterValue": "adam", "timestamp": 5},
        ]  # fmt: skip
        assert posted(comet, "log-other") == {"experimentKey": KEY, "key": "note", "value": "hi", "timestamp": 5}
        assert posted(comet, "tags") == {"experimentKey": KEY, "addedTags": ["a", "b"]}
        assert posted(comet, "html")["html"] == "<b>"
        assert posted(comet, "file-path")["filePath"] == "/a/b.py"
        asset, image = comet.requests(WRITE + "upload-asset")
        assert {name: asset.query[name] for name in ("experimentKey", "fileName", "type", "step")} == {
            "experimentKey": KEY, "fileName": "x.bin", "type": "asset", "step": "4",
        }  # fmt: skip
        assert b"bytes" in asset.body
        assert b'{"a":1}' in asset.body
        assert image.query["type"] == "image"
        assert spoken.courier.delivered == 3 + 2 + 4 + 2
        assert spoken.note("protocol") == "rest"

    def test_lanes_are_marked_value_by_value(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        spoken = speak(protocol="rest")
        spoken.metrics(0, 3)
        spoken.turn()
        marks = [asked.headers["x-comet-lane"].split("/", 1)[1] for asked in comet.requests(WRITE + "metric")]
        assert marks == ["metrics/1", "metrics/2", "metrics/3"]

    def test_signs_of_life_and_the_end_are_documented_calls(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        spoken = speak(protocol="rest", attempt=2)
        spoken.turn()
        (beat,) = comet.requests("/set-status")
        assert (beat.method, beat.query["experimentKey"], beat.query["attempt"]) == ("GET", KEY, "2")
        assert spoken.courier.monitor_seconds == 50
        spoken.turn(14)
        assert len(comet.requests("/set-status")) == 1
        spoken.turn(2)
        assert len(comet.requests("/set-status")) == 2
        spoken.finish("Traceback: it broke")
        end = posted(comet, "update-status")
        assert (end["isAlive"], end["hasCrashed"], end["error"]) == (False, True, "Traceback: it broke")
        assert (end["localTimestamp"], end["attempt"]) == (77, 2)
        assert posted(comet, "set-start-end-time") == {
            "experimentKey": KEY, "startTimeMillis": None, "endTimeMillis": 77,
        }  # fmt: skip
        assert spoken.courier.progress().finished

    def test_one_value_that_is_refused_is_set_aside_alone(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)

        def refuse_the_second(asked: Asked) -> Answer | None:
            bad = asked.path == WRITE + "metric" and asked.json["step"] == 1
            return Answer(400, body={"msg": "bad value"}) if bad else None

        comet.rules.insert(0, refuse_the_second)
        spoken = speak(protocol="rest")
        spoken.metrics(0, 3)
        spoken.turns(2)
        assert rest_values(comet) == ALL_STEPS
        assert (spoken.courier.delivered, spoken.courier.refused) == (2, 1)

    def test_ids_that_the_server_gives_are_said_once(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], caplog: pytest.LogCaptureFixture
    ) -> None:
        offer_rest(comet)
        comet.answer_with("/upload-asset", Answer(body={"assetId": "of-the-server"}))
        spoken = speak(protocol="rest")
        for i in range(3):
            spoken.file("asset", f"a{i}", "x.bin", b"x")
        spoken.turns(2)
        assert [record.getMessage() for record in caplog.records if "ids of its own" in record.getMessage()] != []
        assert len(caplog.records) == 1


class TestQuota:
    """What Comet allows an API key under REST."""

    LIMITS = {REQUESTS: Limit(20, 3_600), VALUES: Limit(1_000, 60)}

    def test_the_allowance_sets_the_pace_and_the_journal_keeps_the_rest(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], caplog: pytest.LogCaptureFixture
    ) -> None:
        offer_rest(comet)
        spoken = speak(limits=self.LIMITS, protocol="rest", primary=False)
        spoken.metrics(0, 14)
        wait = spoken.turn()
        assert len(rest_values(comet)) == 10
        assert wait == pytest.approx(360)
        progress = spoken.courier.progress()
        assert (progress.refused, progress.unreachable, progress.drained) == (False, False, False)
        assert "360 s" in (progress.reason or "")
        assert len(caplog.records) == 1
        spoken.courier.hurry()
        spoken.turn()
        assert len(rest_values(comet)) == 10
        spoken.turns(4, 361)
        assert [step for _, step in rest_values(comet)] == list(range(14))
        assert spoken.courier.progress().reason is None
        assert len(caplog.records) == 1
        assert spoken.courier.throttled_seconds == pytest.approx(4 * 360, abs=10)

    def test_the_end_is_told_while_values_wait_for_their_turn(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        spoken = speak(limits=self.LIMITS, protocol="rest")
        spoken.metrics(0, 14)
        spoken.turn()
        spoken.finish()
        assert posted(comet, "update-status")["isAlive"] is False
        assert spoken.courier.progress().finished is False
        spoken.turns(12, 361)
        assert [step for _, step in rest_values(comet)] == list(range(14))
        assert spoken.courier.progress().finished
        assert len(comet.requests(WRITE + "update-status")) == 1

    def test_two_writers_have_one_allowance_together(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        offer_rest(comet)
        pair = [speak(limits=self.LIMITS, protocol="rest", mode="get_or_create", primary=False) for _ in range(2)]
        for spoken in pair:
            spoken.metrics(0, 8)
            spoken.turn()
        assert len(rest_values(comet)) == 10

    def test_the_local_comet_has_no_limits(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        spoken = speak(limits=self.LIMITS, protocol="rest")
        spoken.metrics(0, 50)
        spoken.turns(3)
        assert len(rest_values(comet)) == 50


class TestFallingBack:
    """`protocol="auto"`, where the server opens the experiment but keeps a path from us."""

    @pytest.mark.parametrize("status", [404, 405, 501])
    def test_a_path_that_is_not_there_is_left_for_rest(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], caplog: pytest.LogCaptureFixture, status: int
    ) -> None:
        offer_rest(comet, KEY)
        refuse(comet, BATCHES, Answer(status, body=b"<html>nothing here</html>"))
        spoken = speak()
        spoken.everything()
        spoken.turns(2)
        assert rest_values(comet) == ALL_STEPS
        assert len(comet.requests(WRITE + "parameter")) == 2
        assert spoken.courier.delivered == 3 + 2 + 4 + 2
        assert [record.getMessage().count("documented REST") for record in caplog.records] == [1]
        assert spoken.note("protocol") == "rest"

    def test_whoever_goes_on_with_the_journal_goes_on_with_rest(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet, KEY)
        refuse(comet, BATCHES, Answer(404, body={}))
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.turn()
        tried = len(comet.requests("/batch/logger/experiment/metric"))
        spoken.hand_over()
        spoken.metrics(1, 2)
        spoken.turn()
        assert rest_values(comet) == ALL_STEPS
        assert len(comet.requests("/batch/logger/experiment/metric")) == tried == 1

    @pytest.mark.parametrize("path", ["tags/add-tags-to-experiment", "asset/upload", "status-report/update"])
    def test_other_paths_count_too_when_they_are_not_there(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], path: str
    ) -> None:
        offer_rest(comet, KEY)
        refuse(comet, f"/clientlib/{path}", Answer(404, body=b""))
        spoken = speak()
        spoken.everything()
        spoken.turns(2)
        assert spoken.courier.delivered == 3 + 2 + 4 + 2
        assert spoken.note("protocol") == "rest"

    @pytest.mark.parametrize("status", [401, 403])
    def test_being_kept_out_counts_once_it_has_lasted_a_minute(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], status: int
    ) -> None:
        offer_rest(comet, KEY)
        refuse(comet, BATCHES, Answer(status, body=b"denied"))
        spoken = speak()
        spoken.metrics(0, 3)
        spoken.turn()
        assert (rest_values(comet), spoken.courier.progress().refused) == ([], True)
        spoken.hand_over()
        spoken.turn(40)
        assert rest_values(comet) == []
        spoken.hand_over()
        spoken.turn(21)
        assert rest_values(comet) == ALL_STEPS

    def test_being_kept_out_for_a_moment_changes_nothing(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet, KEY)
        spoken = speak()
        for start in range(0, 4, 2):
            comet.answer_with("/batch/logger/experiment/metric", Answer(403, body={}), times=1)
            spoken.metrics(start, 2)
            spoken.turn()
            spoken.turn(61)
        assert [value["step"] for asked in comet.requests(BATCHES + "logger/experiment/metric")[1::2]
                for value in asked.json["values"]] == [0, 1, 2, 3]  # fmt: skip
        assert (rest_values(comet), spoken.note("protocol")) == ([], "batch")

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(404, body={"msg": "no such experiment", "sdk_error_code": 90210}),
            Answer(403, body={"msg": "the key is not known", "sdk_error_code": 90212}),
            Answer(402, body={"msg": "pay"}),
            Answer(400, body={"msg": "bad"}),
            Answer(503),
        ],
        ids=lambda answer: str(answer.status),
    )
    def test_what_is_refused_for_another_reason_stays_refused(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], answer: Answer
    ) -> None:
        offer_rest(comet, KEY)
        refuse(comet, BATCHES, answer)
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.turns(4, 61)
        assert (rest_values(comet), spoken.note("protocol")) == ([], "batch")

    def test_an_experiment_that_rest_does_not_know_is_no_reason(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        refuse(comet, BATCHES, Answer(404, body=b""))
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.turns(3, 61)
        assert rest_values(comet) == []
        assert spoken.courier.progress().refused

    def test_batch_alone_never_falls_back(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        offer_rest(comet, KEY)
        refuse(comet, BATCHES, Answer(404, body=b""))
        spoken = speak(protocol="batch")
        spoken.metrics(0, 1)
        spoken.turns(3, 61)
        assert rest_values(comet) == []


class TestNoHandshake:
    """A server that only makes experiments under keys of its own."""

    @pytest.mark.parametrize("protocol", ["auto", "rest"])
    @pytest.mark.parametrize("status", [404, 405, 501])
    def test_everything_goes_under_the_servers_key(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], protocol: str, status: int
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(status, body=b"<html>"))
        spoken = speak(protocol=protocol, workspace="team", project_name="proj", started_millis=42)
        spoken.everything()
        spoken.turns(2)
        spoken.finish()

        assert posted(comet, "create") == {"workspaceName": "team", "projectName": "proj"}
        writes = [a for a in comet.requests("") if WRITE in a.path and not a.path.endswith("/create")]
        named = [a.query.get("experimentKey") or a.json["experimentKey"] for a in writes]
        assert (set(named), len(writes)) == ({SERVER_KEY}, 3 + 2 + 4 + 2 + 1 + 1 + 1)
        assert [asked.path for asked in comet.asked if "/rest/v2/" not in asked.path] == ["/clientlib/logger/add/run"]
        times = posted(comet, "set-start-end-time")
        assert (times["startTimeMillis"], times["endTimeMillis"]) == (42, 77)
        handshake = spoken.courier.handshake
        assert handshake is not None
        assert (handshake.page, handshake.names) == (f"{comet.root}/team/proj/{SERVER_KEY}", ("team", "proj"))
        assert spoken.courier.progress().finished

    def test_without_a_workspace_the_accounts_own_is_used(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(404))
        speak().turn()
        assert posted(comet, "create") == {"workspaceName": "mine", "projectName": "general"}

    def test_all_writers_and_deliverers_of_this_machine_share_it(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(404))
        first, rank = speak(), speak(mode="get_or_create", primary=False)
        first.metrics(0, 1)
        rank.metrics(1, 1)
        first.turn()
        rank.turn()
        first.metrics(2, 1)
        first.hand_over()
        asked = len(comet.requests("/logger/add/run"))
        first.turn()
        assert sorted(rest_values(comet)) == [(SERVER_KEY, step) for step in range(3)]
        assert len(comet.requests("/create")) == 1
        assert len(comet.requests("/logger/add/run")) == asked
        assert (first.note("server-key") or "").split()[0] == SERVER_KEY

    def test_a_new_experiment_is_not_mixed_into_one_that_is_there(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(404))
        first, second = speak(), speak()
        first.turn()
        second.metrics(0, 1)
        second.turn()
        assert rest_values(comet) == []
        progress = second.courier.progress()
        assert progress.refused
        assert "exists already" in (progress.reason or "")

    def test_whoever_dies_after_the_experiment_was_made_finds_it_again(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(404))
        comet.answer_with("/experiment/metadata", Answer(body=b"<html>"), times=1)
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.turn()
        assert (rest_values(comet), len(comet.requests("/create"))) == ([], 1)
        assert spoken.writer.folder is not None
        (spoken.writer.folder / "server-key").unlink()
        spoken.hand_over()
        spoken.turn(1)
        assert rest_values(comet) == [(SERVER_KEY, 0)]
        assert len(comet.requests("/create")) == 1

    def test_one_that_exists_under_our_key_is_joined(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        offer_rest(comet, KEY)
        refuse(comet, NO_CLIENTLIB, Answer(404))
        spoken = speak(mode="get_or_create")
        spoken.metrics(0, 3)
        spoken.turn()
        assert rest_values(comet) == ALL_STEPS
        assert comet.requests("/create") == []

    @pytest.mark.parametrize("protocol", ["auto", "rest", "batch"])
    def test_a_server_that_is_no_comet_is_said_to_lack_the_handshake(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], protocol: str
    ) -> None:
        comet.rules.append(lambda _: Answer(404, body=b"<html>"))
        spoken = speak(protocol=protocol, workspace="w")
        spoken.metrics(0, 1)
        spoken.turn()
        progress = spoken.courier.progress()
        assert progress.refused
        assert "logger/add/run was answered with status 404" in (progress.reason or "")

    @pytest.mark.parametrize(("status", "code"), [(401, 0), (403, 0), (400, 90212), (404, 90219), (503, 0)])
    def test_a_handshake_that_is_refused_for_a_reason_makes_nothing(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], status: int, code: int
    ) -> None:
        offer_rest(comet)
        refuse(comet, NO_CLIENTLIB, Answer(status, body={"msg": "why", "sdk_error_code": code}))
        spoken = speak()
        spoken.turns(3, 301)
        assert comet.requests("/create") == []


class TestThrottling:
    """429 under `batch`: the server says how long, and how often."""

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"Retry-After-Custom": "7.5", "Retry-After": "90"}, 7.5),
            ({"Retry-After": "20"}, 20),
            ({}, 60),
        ],
    )
    def test_the_servers_word_is_kept_and_counted(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], headers: dict[str, str], seconds: float
    ) -> None:
        spoken = speak()
        spoken.turn()
        spoken.metrics(0, 3)
        comet.answer_with("/batch/logger/experiment/metric", Answer(429, headers=headers), times=1)
        assert spoken.turn() == pytest.approx(seconds)
        spoken.turn(seconds - 0.5)
        assert len(comet.requests("/batch/logger/experiment/metric")) == 1
        spoken.turn(1)
        assert spoken.courier.delivered == 3
        assert spoken.courier.throttled_seconds == pytest.approx(seconds)

    def test_afterwards_values_gather_for_longer_and_nobody_waits_at_the_end(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        spoken = speak()
        spoken.turn()
        comet.answer_with("/batch/logger/experiment/metric", Answer(429, headers={"Retry-After": "1"}), times=5)
        spoken.metrics(0, 1)
        spoken.turns(7, 10)
        asked = len(comet.requests("/batch/logger/experiment/metric"))
        for step in range(1, 61):
            spoken.metrics(step, 1)
            spoken.turn(1.0)
        assert 5 <= len(comet.requests("/batch/logger/experiment/metric")) - asked <= 20
        spoken.courier.hurry()
        spoken.finish()
        assert spoken.courier.progress().finished
        assert spoken.courier.delivered == 61

    def test_a_heartbeat_that_is_too_much_waits_as_told_and_then_comes_half_as_often(
        self, comet: ScriptedComet, speak: Callable[..., Spoken]
    ) -> None:
        comet.answer_with("/status-report/update", Answer(429, headers={"Retry-After": "30"}), times=1)
        spoken = speak()
        spoken.turn()
        spoken.turn(29)
        assert len(comet.requests("/status-report/update")) == 1
        spoken.turn(2)
        spoken.turn(15)
        assert len(comet.requests("/status-report/update")) == 2
        spoken.turn(6)
        assert len(comet.requests("/status-report/update")) == 3

    @pytest.mark.parametrize("answer", [Answer(), Answer(404)], ids=["known", "unknown"])
    def test_the_server_is_told_once_that_all_has_arrived(
        self, comet: ScriptedComet, speak: Callable[..., Spoken], answer: Answer
    ) -> None:
        comet.answer_with("/mark-not-throttled", answer)
        comet.answer_with("/batch/logger/experiment/metric", Answer(429, headers={"Retry-After": "1"}), times=1)
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.turns(2, 5)
        assert comet.requests("/mark-not-throttled") == []
        comet.answer_with("/status-report/update", Answer(503), times=1)
        spoken.finish()
        spoken.turns(2, 5)
        assert [asked.path for asked in comet.requests("/mark-not-throttled")] == [
            f"/api/rest/v2/write/experiment/{KEY}/mark-not-throttled"
        ]
        assert spoken.courier.progress().finished

    def test_who_was_never_held_back_says_nothing(self, comet: ScriptedComet, speak: Callable[..., Spoken]) -> None:
        spoken = speak()
        spoken.metrics(0, 1)
        spoken.finish()
        assert comet.requests("/mark-not-throttled") == []
