"""The account, workspaces and projects."""

from __future__ import annotations

from zenml_comet_tracker.comet import errors
from zenml_comet_tracker.comet.resources import account, projects, share_links, views
from zenml_comet_tracker.comet.verify.checks import Group
from zenml_comet_tracker.comet.verify.outcome import DifferenceError
from zenml_comet_tracker.comet.verify.scratch import Scratch, same

group = Group("projects")


@group.check("the server says its version", "GET clientlib/isAlive/ver")
def _version(scratch: Scratch) -> None:
    version = scratch.ask(account.version)
    if not version:
        raise DifferenceError("a version", version)


@group.check("the account has a user and a default workspace", "GET account-details")
def _account(scratch: Scratch) -> None:
    details = scratch.ask(account.details)
    same((True, True), (bool(details.get("userName")), bool(details.get("defaultWorkspaceName"))))


@group.check("a new project is there", "POST write/project/create")
def _create(scratch: Scratch) -> None:
    scratch.ask(projects.create, scratch.workspace, scratch.project, "made by verify", public=False)
    found = scratch.eventually(lambda: scratch.ask(projects.find, scratch.place), lambda project: True, "the project")
    got = (found["projectName"], found["workspaceName"], found["projectDescription"], found["public"])
    same((scratch.project, scratch.workspace, "made by verify", False), got)


@group.check("the workspace is listed", "GET workspaces")
def _workspaces(scratch: Scratch) -> None:
    names = scratch.ask(account.workspaces)
    if scratch.workspace not in names:
        raise DifferenceError("the workspace among them", f"{len(names)} others")


@group.check("the project is listed", "GET projects")
def _listed(scratch: Scratch) -> None:
    scratch.eventually(
        lambda: [project["projectName"] for project in scratch.ask(projects.of_workspace, scratch.workspace)],
        lambda names: scratch.project in names,
        f"{scratch.project} among the projects",
    )


@group.check("the project is found by its id", "GET project")
def _by_id(scratch: Scratch) -> None:
    found = scratch.ask(projects.find, projects.with_id(scratch.project_id))
    same(scratch.project, found["projectName"])


@group.check("a description is changed", "POST write/project/update")
def _update(scratch: Scratch) -> None:
    scratch.ask(projects.update, scratch.place, description="changed ✓")
    scratch.eventually(
        lambda: scratch.ask(projects.find, scratch.place)["projectDescription"],
        lambda text: text == "changed ✓",
        "changed ✓",
    )


@group.check("notes are kept", "POST write/project/notes")
def _notes(scratch: Scratch) -> None:
    scratch.ask(projects.set_notes, scratch.project_id, "First line\nsecond ✓")
    scratch.expect("First line\nsecond ✓", projects.notes, scratch.project_id)


@group.check("a share link is made and taken back", "GET write/project/add-share-link")
def _share(scratch: Scratch) -> None:
    code = scratch.ask(share_links.create, scratch.project_id)
    scratch.eventually(
        lambda: scratch.ask(share_links.of_project, scratch.project_id),
        lambda codes: code in codes,
        "the new code among them",
    )
    scratch.ask(share_links.delete, scratch.project_id, code)
    scratch.expect([], share_links.of_project, scratch.project_id)


@group.check("views can be listed", "GET views/get-all")
def _views(scratch: Scratch) -> None:
    scratch.ask(views.of_project, scratch.project_id)


@group.check("a deleted project is gone", "POST write/project/delete")
def _delete(scratch: Scratch) -> None:
    place = projects.named(scratch.workspace, scratch.other_project)
    scratch.ask(projects.create, scratch.workspace, scratch.other_project, None, public=False)
    scratch.ask(projects.delete, place, with_experiments=True)

    def gone() -> bool:
        try:
            scratch.ask(projects.find, place)
        except errors.NotFoundError:
            return True
        return False

    scratch.eventually(gone, bool, "status 404 for a project that was deleted")
