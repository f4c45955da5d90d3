"""The table's order and filter, against the same worked out over all experiments in Python."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.local.pages.seeds import Seed, sow
from zenml_comet_tracker.local.store import experiment_table, views
from zenml_comet_tracker.local.store.experiment_table import Sort
from zenml_comet_tracker.local.store.store import Store

START = 1_700_000_000_000
NOW = START + 1_000_000


def _seeds() -> list[Seed]:
    chance = random.Random(4)
    words = ["train", "Evaluate", "100%", "under_score", "load", "Größe ÄÖ"]
    return [
        Seed(
            f"{chance.getrandbits(128):032x}",
            chance.choice([None, f"{chance.choice(words)} {at % 7}"]),
            start_millis=START + chance.randrange(40) * 1_000,
            end_millis=START + 40_000 + chance.randrange(9) * 1_000,
            error=chance.choice([None, None, "failed"]),
            tags=chance.sample(words, chance.randrange(3)),
            metrics=chance.choice([{}, {"loss": [9.0, chance.randrange(5) / 4]}, {"loss": [float("nan")]}]),
            parameters=chance.choice([{}, {"lr": str(chance.randrange(12))}, {"lr": "auto"}]),
            others={"run": f"R{at % 3}", "other": "R1"},
        )
        for at in range(60)
    ]


SEEDS = _seeds()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the experiments above, and one in another project."""
    opened = Store(tmp_path_factory.mktemp("table"), lambda: NOW)
    sow(opened, *SEEDS, Seed("f" * 32, "train elsewhere", project="other"))
    yield opened
    opened.close()


def _keys(store: Store, *, search: str = "", sort: str = "", offset: int = 0, limit: int = 100) -> list[str]:
    with store.read() as connection:
        project = views.find_project(connection, NOW, "local", "general")
        assert project is not None
        order = Sort.parse(sort)
        table = experiment_table.read(
            connection, NOW, project.id, search=search, sort=order, offset=offset, limit=limit
        )
    assert table.total == len(SEEDS)
    return [row.experiment.key for row in table.rows]


def _sort_value(seed: Seed, column: str) -> object:
    """What the experiment is sorted by; None stands last in both directions."""
    last = list(seed.metrics.get("loss", [None]))[-1]
    setting = seed.parameters.get("lr")
    return {
        "name": (seed.name or seed.key).casefold(),
        "status": "failed" if seed.error else "finished",
        "start": seed.start_millis,
        "duration": (seed.end_millis or 0) - (seed.start_millis or 0),
        "metric:loss": None if last is None or last != last else last,
        "parameter:lr": None if setting is None else (1, 0.0) if setting == "auto" else (0, float(setting)),
        "metric:absent": None,
    }[column]


@pytest.mark.parametrize(
    "column", ["name", "status", "start", "duration", "metric:loss", "parameter:lr", "metric:absent"]
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_order(store: Store, column: str, sign: str) -> None:
    newest_first = sorted(enumerate(SEEDS), key=lambda pair: (pair[1].start_millis, pair[0]), reverse=True)
    present = [seed for _, seed in newest_first if _sort_value(seed, column) is not None]
    absent = [seed for _, seed in newest_first if _sort_value(seed, column) is None]
    # Python's sort is stable in both directions, so that equal ones keep the newest first.
    present.sort(key=lambda seed: _sort_value(seed, column), reverse=sign == "-")  # type: ignore[arg-type,return-value]
    assert _keys(store, sort=sign + column) == [seed.key for seed in present + absent]


@pytest.mark.parametrize(
    "search",
    [
        "train",
        "TRAIN",
        "train 3",
        "100%",
        "%",
        "_",
        "under_score",
        "load evaluate",
        "nowhere",
        "äö",
        "GRÖSSE",
        "\\",
        "'",
        SEEDS[5].key[:9],
        "run=r1",
        "run=R2 train",
        "other=R2",
        "run=",
        "=R1",
    ],
)
def test_filter(store: Store, search: str) -> None:
    def held(seed: Seed, word: str) -> bool:
        texts = [seed.name or "", seed.key, *seed.tags]
        others = {f"{name}={value}".casefold() for name, value in seed.others.items()}
        return any(word.casefold() in text.casefold() for text in texts) or word.casefold() in others

    expected = {seed.key for seed in SEEDS if all(held(seed, word) for word in search.split())}
    assert bool(expected) == (search not in ("nowhere", "\\", "'", "other=R2", "run=", "=R1"))
    assert set(_keys(store, search=search)) == expected


@pytest.mark.parametrize("sort", ["name", "-metric:loss", "parameter:lr"])
def test_pages_neither_overlap_nor_leave_out(store: Store, sort: str) -> None:
    pages = [_keys(store, sort=sort, offset=at, limit=7) for at in range(0, 63, 7)]
    assert [key for keys in pages for key in keys] == _keys(store, sort=sort)


@pytest.mark.parametrize("text", ["", "nonsense", "metric:", "; drop table experiment", "-"])
def test_an_order_that_makes_no_sense_is_the_newest_first(store: Store, text: str) -> None:
    assert Sort.parse(text) == Sort("start", descending=True)


def test_the_experiments_are_still_there(store: Store) -> None:
    assert len(_keys(store, search="' OR 1=1 --", sort="metric:x' OR 1=1 --")) == 0
    assert len(_keys(store, sort="parameter:x'; DROP TABLE experiment; --")) == len(SEEDS)
