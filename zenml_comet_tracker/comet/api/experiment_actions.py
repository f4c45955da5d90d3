"""What is done to experiments as a whole: archived, restored, stopped, moved, deleted, one or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.api.base import ApiBase
from zenml_comet_tracker.comet.resources import experiments, symlinks
from zenml_comet_tracker.comet.transport import Transport

Answer = dict[str, Any]


class ExperimentActions(ApiBase):
    """What `API` does to experiments.

    Calls on many try each of them, and raise `PartlyDoneError` at the end when some were refused; it says which.
    """

    def archive_experiment(self, experiment_key: str) -> Answer:
        """Puts an experiment aside. GET `write/experiment/archive`."""
        return experiments.archive(self._connection.transport, experiment_key)

    def archive_experiments(self, experiment_keys: Sequence[str]) -> list[Answer]:
        """Puts experiments aside. GET `write/experiment/archive` for each."""
        return self._each("archived", experiments.archive, experiment_keys)

    def restore_experiment(self, experiment_key: str) -> Answer:
        """Takes an archived experiment back. GET `write/experiment/restore`."""
        return experiments.restore(self._connection.transport, experiment_key)

    def restore_experiments(self, experiment_keys: Sequence[str]) -> list[Answer]:
        """Takes archived experiments back. GET `write/experiment/restore` for each."""
        return self._each("restored", experiments.restore, experiment_keys)

    def stop_experiment(self, experiment_key: str) -> Answer:
        """Says that an experiment runs no more, as its page's button does. GET `write/experiment/stop`."""
        return experiments.stop(self._connection.transport, experiment_key)

    def stop_experiments(self, experiment_keys: Sequence[str]) -> list[Answer]:
        """Says that experiments run no more. GET `write/experiment/stop` for each."""
        return self._each("stopped", experiments.stop, experiment_keys)

    def delete_experiment(self, experiment_key: str) -> Answer:
        """Deletes an experiment for good. GET `write/experiment/delete`."""
        return experiments.delete(self._connection.transport, experiment_key)

    def delete_experiments(self, experiment_keys: Sequence[str]) -> list[Answer]:
        """Deletes experiments for good. GET `write/experiment/delete` for each."""
        return self._each("deleted", experiments.delete, experiment_keys)

    def create_experiment_symlink(self, experiment_key: str, project_name: str) -> str | None:
        """The address of the experiment in another project of its workspace, which lists it from now on too.

        GET `write/project/symlink`.
        """
        return symlinks.create(self._connection.transport, experiment_key, project_name)

    def move_experiments(
        self,
        experiment_keys: Sequence[str],
        target_workspace: str | None,
        target_project_name: str,
        symlink: bool = False,
    ) -> Answer:
        """Moves experiments to another project of their workspace, which is made when it is not there.

        With `symlink` they stay where they are and are listed there too. A hundred are moved at a time, all of them or
        none. POST `write/experiment/move`.
        """
        keys = _checked(experiment_keys)
        workspace = self._workspace(target_workspace)
        answer: Answer = {}
        for start in range(0, len(keys), experiments.MAX_MOVED):
            some = keys[start : start + experiments.MAX_MOVED]
            try:
                answer = experiments.move(
                    self._connection.transport, some, workspace, target_project_name, symlink=symlink
                )
            except errors.RequestError as error:
                if start == 0:
                    raise
                rest = keys[start + experiments.MAX_MOVED :]
                raise errors.PartlyDoneError("moved", keys[:start], dict.fromkeys(some, error), rest) from error
        return answer

    def _each(self, what: str, act: Callable[[Transport, str], Answer], experiment_keys: Sequence[str]) -> list[Answer]:
        keys = _checked(experiment_keys)
        done: dict[str, Answer] = {}
        failed: dict[str, errors.CometError] = {}
        for key in keys:
            try:
                done[key] = act(self._connection.transport, key)
            except errors.RequestError as error:
                failed[key] = error
                if not (isinstance(error, errors.StatusError) and error.status in (400, 403, 404)):
                    # The next one would meet the same: no connection, no right, no room.
                    break
        if failed and not done:
            raise next(iter(failed.values()))
        if failed:
            left = [key for key in keys if key not in done and key not in failed]
            raise errors.PartlyDoneError(what, list(done), failed, left)
        return list(done.values())


def _checked(experiment_keys: Sequence[str]) -> list[str]:
    """The keys, each once."""
    listed = isinstance(experiment_keys, Iterable) and not isinstance(experiment_keys, str)
    # Once: it may be a generator.
    keys = [*experiment_keys] if listed else []
    if not listed or not all(isinstance(key, str) for key in keys):
        raise errors.InvalidArgumentError("experiment_keys is expected to be a list of experiment keys (texts)")
    return list(dict.fromkeys(keys))
