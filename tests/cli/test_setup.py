"""`zenml-comet setup`, on a store of its own that is read back by ZenML's client."""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from zenml_comet_tracker.cli.main import main
from zenml_comet_tracker.cli.registration import changes as changes_module
from zenml_comet_tracker.flavor import SOURCE, CometExperimentTrackerFlavor
from zenml_comet_tracker.local import launch
from zenml_comet_tracker.local.errors import MissingExtraError

if TYPE_CHECKING:
    from zenml.client import Client

# ZenML's own mapping of stacks tells SQLAlchemy to delete rows that the database has deleted already.
pytestmark = pytest.mark.filterwarnings("ignore:DELETE statement on table")

module_of_setup = importlib.import_module("zenml_comet_tracker.cli.setup")

KEY = "canary-key-0123456789"
KIND = "experiment_tracker"
SetUp = Callable[..., Result]


@pytest.fixture
def set_up(fresh_zenml: Client) -> SetUp:
    """Calls `zenml-comet setup`; what it says never holds the key."""

    def call(*words: str, fails: int = 0, **options: Any) -> Result:
        done = CliRunner().invoke(main, ["setup", *words], **options)
        assert done.exit_code == fails, done.output
        assert KEY not in done.output
        return done

    return call


def commands(done: Result) -> list[str]:
    """The commands that stand in what was said."""
    return [line.strip() for line in done.output.splitlines() if line.startswith("    zenml ")]


def state(client: Client) -> dict[str, Any]:
    """Everything that setup may touch, without ids and times."""
    trackers = client.list_stack_components(type=KIND, hydrate=True).items
    stacks = client.list_stacks(hydrate=True).items
    flavors = client.list_flavors(name="comet_rest", hydrate=True).items
    return {
        "flavors": [(row.source, row.config_schema, row.logo_url, row.docs_url, row.is_custom) for row in flavors],
        "secrets": {one.name: client.get_secret(one.id).secret_values for one in client.list_secrets().items},
        "trackers": {
            one.name: (one.flavor_name, one.configuration, one.environment, len(one.secrets)) for one in trackers
        },
        "stacks": {one.name: (_names(one), one.environment, len(one.secrets)) for one in stacks},
        "active": client.active_stack_model.name,
    }


def _names(stack: Any) -> dict[str, list[str]]:
    return {kind.value: [one.name for one in found] for kind, found in stack.components.items() if found}


def times(client: Client) -> list[Any]:
    """When each thing was changed last."""
    listed = [client.list_stack_components(type=KIND), client.list_stacks(), client.list_secrets()]
    rows = [*(row for page in listed for row in page.items), *client.list_flavors(name="comet_rest").items]
    return [(row.id, row.updated) for row in rows]


def type_in_a_shell(lines: list[str], environment: dict[str, str]) -> None:
    """What a shell would do with these lines, but for loading ZenML anew for each."""
    from zenml.cli.cli import cli

    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "zenml"
        cli.main([_expanded(word, environment) for word in arguments], standalone_mode=False)


def _expanded(word: str, environment: dict[str, str]) -> str:
    for name, value in environment.items():
        word = word.replace(f"${name}", value)
    return word


def test_for_the_local_comet_no_key_is_needed_and_the_second_time_changes_nothing(
    set_up: SetUp, fresh_zenml: Client
) -> None:
    first = set_up("--local", "--workspace", "team", "--project", "digits")
    registered = state(fresh_zenml)
    assert registered["trackers"] == {
        "comet_tracker": ("comet_rest", {"url": "local", "workspace": "team", "project_name": "digits"}, {}, 0)
    }
    assert registered["stacks"]["comet_stack"][0] == {
        **registered["stacks"]["default"][0],
        KIND: ["comet_tracker"],
    }
    assert (registered["active"], registered["secrets"]) == ("comet_stack", {})
    assert len(commands(first)) == 4

    before = times(fresh_zenml)
    for words in (("--local", "--project", "team/digits"), ("--local",)):
        again = set_up(*words)
        assert commands(again) == []
        assert again.output.count("already") == 4
    assert (state(fresh_zenml), times(fresh_zenml)) == (registered, before)


def test_the_commands_that_are_printed_make_what_setup_made(
    set_up: SetUp, fresh_zenml: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zenml.enums import StackComponentType

    monkeypatch.setenv("COMET_API_KEY", KEY)
    fresh_zenml.create_secret("attached", {"A": "b"})
    fresh_zenml.create_stack_component("notes", "vertex", KIND, {"project": "p", "location": "here"})
    fresh_zenml.create_stack_component("docker", "local_docker", StackComponentType.ORCHESTRATOR, {})
    components: dict[Any, Any] = {
        StackComponentType.ORCHESTRATOR: "docker",
        StackComponentType.ARTIFACT_STORE: "default",
        StackComponentType.EXPERIMENT_TRACKER: "notes",
    }
    fresh_zenml.create_stack("prod", components, secrets=["attached"])
    fresh_zenml.update_stack("prod", environment={"TEAM": "blue green"})
    fresh_zenml.create_stack("other", components)
    fresh_zenml.activate_stack("prod")
    untouched = state(fresh_zenml)

    typed = [
        *commands(set_up("--project", "team/digits", "--url", "https://comet.example.com/")),
        *commands(set_up("--stack", "other")),
        *commands(set_up("--url", "https://comet.example.com/ours", "--api-key", f"{KEY}2", "--update")),
    ]
    assert "docker (local_docker)" in set_up("--local", "--update", fails=10).output
    fresh_zenml.activate_stack("default")
    typed += commands(set_up("--local", "--name", "here"))
    typed += commands(set_up("--api-key", KEY, "--name", "here", "--update"))
    made = state(fresh_zenml)
    assert made["stacks"]["comet_stack"] == (
        {**untouched["stacks"]["prod"][0], KIND: ["notes", "comet_tracker"]},
        {"TEAM": "blue green"},
        1,
    )
    assert made["stacks"]["other"][0][KIND] == ["notes", "comet_tracker"]
    assert made["stacks"]["prod"] == untouched["stacks"]["prod"]
    assert made["trackers"]["comet_tracker"][1] == {
        "url": "https://comet.example.com/ours",
        "api_key": "{{comet_tracker.api_key}}",
        "workspace": "team",
        "project_name": "digits",
    }
    assert made["trackers"]["here"][1] == {"api_key": "{{here.api_key}}"}
    assert KEY not in "".join(typed)

    _take_back(fresh_zenml, untouched["active"])
    assert state(fresh_zenml) == untouched
    keys = iter([KEY, f"{KEY}2", KEY])
    for line in typed:
        type_in_a_shell([line], {"COMET_API_KEY": next(keys)} if "$COMET_API_KEY" in line else {})
    assert state(fresh_zenml) == made


def _take_back(client: Client, active: str) -> None:
    from zenml.enums import StackComponentType

    client.activate_stack(active)
    client.delete_stack("comet_stack")
    client.delete_stack("here_stack")
    client.update_stack("other", component_updates={StackComponentType.EXPERIMENT_TRACKER: ["notes"]})
    for name in ("comet_tracker", "here"):
        client.delete_stack_component(name, StackComponentType.EXPERIMENT_TRACKER)
        client.delete_secret(name)
    client.delete_flavor("comet_rest")


def test_the_key_is_found_where_clients_find_it_once_and_its_server_goes_with_it(
    set_up: SetUp, fresh_zenml: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = set_up(fails=10)
    assert "COMET_API_KEY" in missing.output
    assert "--local" in missing.output
    assert state(fresh_zenml)["trackers"] == {}

    with monkeypatch.context() as typed:
        # A terminal, where the key can be typed.
        typed.setattr(module_of_setup, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
        assert "Comet API key:" in set_up("--name", "typed", "--dry-run", input=f"{KEY}\n").output

    with monkeypatch.context() as configured:
        configured.setenv("COMET_API_KEY", KEY)
        configured.setenv("COMET_URL_OVERRIDE", "https://comet.example.com/clientlib/")
        set_up("--name", "ours")
        configured.setenv("COMET_API_KEY", "another")
        assert commands(set_up("--name", "ours")) == []
    # The secret has it now.
    assert commands(set_up("--name", "ours")) == []
    found = state(fresh_zenml)
    assert found["secrets"] == {"ours": {"api_key": KEY}}
    expected = {"url": "https://comet.example.com", "api_key": "{{ours.api_key}}"}
    assert (found["trackers"]["ours"][1], found["active"]) == (expected, "ours_stack")

    fresh_zenml.delete_secret("ours")
    assert set_up("--name", "ours", fails=10)
    assert set_up("--name", "ours", "--api-key", "new")
    assert state(fresh_zenml)["secrets"] == {"ours": {"api_key": "new"}}


def test_what_others_may_use_is_changed_only_when_that_is_asked_for(set_up: SetUp, fresh_zenml: Client) -> None:
    fresh_zenml.create_secret("comet_tracker", {"api_key": "theirs", "more": "kept"})
    before = state(fresh_zenml)
    refused = set_up("--api-key", KEY, fails=2)
    assert "Secret comet_tracker holds another API key" in refused.output
    assert "--update" in refused.output
    assert state(fresh_zenml) == before

    set_up("--api-key", KEY, "--update")
    assert state(fresh_zenml)["secrets"] == {"comet_tracker": {"api_key": KEY, "more": "kept"}}
    fresh_zenml.update_stack_component("comet_tracker", KIND, configuration={"tags": ["mine"], "project_name": "a"})
    before = state(fresh_zenml)
    refused = set_up("--project", "b", fails=2)
    assert "project_name a -> b" in refused.output
    assert state(fresh_zenml) == before
    assert set_up("--project", "b", "--update", "--dry-run").output.startswith("Nothing is done")
    assert state(fresh_zenml) == before
    set_up("--project", "b", "--update")
    expected = {"api_key": "{{comet_tracker.api_key}}", "tags": ["mine"], "project_name": "b"}
    assert state(fresh_zenml)["trackers"]["comet_tracker"][1] == expected

    assert "'default'" in set_up("--stack", "default", fails=2).output
    fresh_zenml.create_stack_component("notes", "vertex", KIND, {"project": "p", "location": "here"})
    assert "vertex" in set_up("--name", "notes", fails=2).output


def test_when_a_change_fails_those_before_it_are_taken_back(
    set_up: SetUp, fresh_zenml: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = {kind: [one.id for one in found] for kind, found in fresh_zenml.active_stack_model.components.items()}
    mine = fresh_zenml.create_stack("mine", components)
    fresh_zenml.update_stack(mine.id, environment={"A": "b"})
    fresh_zenml.activate_stack(mine.id)
    before = state(fresh_zenml)

    def refuse(*given: Any, **__: Any) -> None:
        raise RuntimeError(f"the store is away: {given}")

    for broken in ("create_secret", "create_stack", "update_stack", "activate_stack"):
        with monkeypatch.context() as patched:
            patched.setattr(type(fresh_zenml), broken, refuse)
            done = set_up("--api-key", KEY, fails=1)
        assert "the store is away" in done.output
        assert "Nothing was changed" in done.output
        assert state(fresh_zenml) == before, broken


def test_a_missing_package_is_named_before_anything_is_done(
    set_up: SetUp, fresh_zenml: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise MissingExtraError("pip install 'zenml-comet-tracker[local]'")

    before = state(fresh_zenml)
    monkeypatch.setattr(launch, "require_extra", missing)
    assert "zenml-comet-tracker[local]" in set_up("--local", fails=5).output
    assert "--api-key" in set_up("--local", "--api-key", KEY, fails=2).output
    assert "address" in set_up("--url", "ftp://x", "--api-key", KEY, fails=10).output
    assert state(fresh_zenml) == before


@pytest.mark.parametrize("used", [True, False], ids=["in use", "unused"])
def test_a_flavor_that_is_older_than_the_package_is_brought_up_to_date(
    used: bool, set_up: SetUp, fresh_zenml: Client
) -> None:
    from zenml.models import FlavorUpdate

    row = fresh_zenml.create_flavor(SOURCE, KIND)
    if used:
        set_up("--local")
    wanted = CometExperimentTrackerFlavor().config_schema
    older = {**wanted, "properties": {name: value for name, value in wanted["properties"].items() if name != "strict"}}
    fresh_zenml.zen_store.update_flavor(row.id, FlavorUpdate(config_schema=older, source="old.path.Flavor"))

    done = set_up("--local")
    assert "is loaded from old.path.Flavor and lacks strict" in done.output
    stored = fresh_zenml.get_flavor_by_name_and_type("comet_rest", KIND)
    assert (stored.config_schema, stored.source) == (wanted, SOURCE)
    assert ("cannot replace a flavor that is in use" in done.output) == used
    if not used:
        after = state(fresh_zenml)
        fresh_zenml.activate_stack("default")
        fresh_zenml.delete_stack("comet_stack")
        fresh_zenml.delete_stack_component("comet_tracker", KIND)
        type_in_a_shell(commands(done), dict(os.environ))
        assert state(fresh_zenml) == after

    newer = {**wanted, "properties": {**wanted["properties"], "from_the_future": {"type": "string"}}}
    row = fresh_zenml.get_flavor_by_name_and_type("comet_rest", KIND)
    fresh_zenml.zen_store.update_flavor(row.id, FlavorUpdate(config_schema=newer))
    assert "from_the_future" in set_up("--local", fails=2).output
    assert fresh_zenml.get_flavor_by_name_and_type("comet_rest", KIND).config_schema == newer


def test_the_key_stays_unquoted_so_that_a_shell_fills_it_in() -> None:
    line = changes_module.zenml("secret", "create", "a b", f"--api_key={changes_module.KEY_VARIABLE}")
    assert line == "zenml secret create 'a b' --api_key=\"$COMET_API_KEY\""
