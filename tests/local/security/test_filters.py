"""What is typed to filter, sort or name becomes a bound value, never a piece of a statement, a pattern or a program."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

from tests.fixtures.local_server import LocalServer, begin
from tests.local.security.test_markup import state
from tests.local.test_auth import sign_in
from zenml_comet_tracker.local.routes import rules

PACKAGE = Path(__file__).parents[3] / "zenml_comet_tracker" / "local"
TEXTS = [
    "' OR '1'='1", "'; DROP TABLE experiment; --", '" OR ""="', "%", "_", "\\", "x' UNION SELECT hash FROM session --",
    "__import__('os').system('true')", "{{7*7}}", "${7*7}", "(a+)+$", "((((((((((((((((.*)*)*)*)*)*)*)*)*)*)*)*)",
    "\0", "a" * 900, "NaN", "metric:", "metric:x:desc", "name:DESC;SELECT 1", "*", "\ufffd",
]  # fmt: skip


def test_a_filter_of_the_page_finds_only_what_holds_the_text(clocked_server: LocalServer) -> None:
    key = begin(clocked_server, experimentName="plain")
    with sign_in(clocked_server) as browser:
        before = state(clocked_server)
        for text, name in itertools.product(TEXTS, ("q", "sort", "page", "experiment-tab", "x")):
            url = f"{clocked_server.url}/ws/tests{f'/{key}' if name in ('experiment-tab', 'x') else ''}"
            answer = browser.get(url, params={name: text}, timeout=20)
            assert answer.status_code in (200, 400), (name, text)
            if name == "q" and answer.status_code == 200:
                assert key not in answer.text, text
        assert state(clocked_server) == before


def test_a_rule_finds_only_what_holds_the_text(clocked_server: LocalServer) -> None:
    key = begin(clocked_server, experimentName="plain")
    place = {"workspaceName": "ws", "projectName": "tests"}
    before = state(clocked_server)
    # Operators that leave out instead of finding would find the experiment, and rightly.
    for text in TEXTS:
        for field, operator in ((text, "equal"), ("experiment_name", text), ("experiment_name", "contains")):
            rule = {"id": field, "field": field, "type": "string", "operator": operator, "value": text}
            source = {"source": "metadata", "query": {"condition": "AND", "rules": [rule]}}
            asked = {**place, "predicates": [source]}
            answer = clocked_server.call("POST", "api/rest/v2/project/query", json=asked)
            assert answer.status_code in (200, 400), (text, answer.text)
            assert answer.json().get("experimentKeys", []) == [], text
            tree = {"condition": "AND", "rules": [{**rule, "source": "metadata"}]}
            asked = {**place, "rulesTree": tree, "multipleSort": [{"columnName": text, "source": text, "order": text}]}
            answer = clocked_server.call("POST", "api/rest/v2/experiments/search", json=asked)
            assert answer.status_code in (200, 400), (text, answer.text)
            assert key not in answer.text, text
    assert state(clocked_server) == before


def test_a_question_has_a_size() -> None:
    assert rules.MAX_MEMBERS <= 400
    assert rules.MAX_DEPTH <= 45
    assert rules.MAX_LETTERS <= 10_000
    assert rules.MAX_VALUES <= 10_000


def test_no_statement_and_no_pattern_is_put_together_from_texts() -> None:
    looked_at = 0
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sqlalchemy"):
                names = {alias.name for alias in node.names}
                assert not names & {"text", "literal_column", "TextClause"}, path
        # What stands outside of functions is made before there is a request.
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for node in (inner for function in functions for inner in ast.walk(function)):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            if owner == "re" or node.func.attr in ("exec_driver_sql", "executescript"):
                looked_at += 1
                assert _is_ours(node.args[0]), f"{path}:{node.lineno}"
    assert looked_at > 2


def _is_ours(argument: ast.expr) -> bool:
    """Whether a text is written down here: as it is, out of constants, or one of two."""
    if isinstance(argument, ast.JoinedStr):
        inserted = [part.value for part in argument.values if isinstance(part, ast.FormattedValue)]
        return all(isinstance(value, ast.Name) and value.id.isupper() for value in inserted)
    if isinstance(argument, ast.IfExp):
        return _is_ours(argument.body) and _is_ours(argument.orelse)
    if isinstance(argument, ast.Name):
        return argument.id.isupper()
    return isinstance(argument, ast.Constant)
