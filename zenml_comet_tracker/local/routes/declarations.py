"""What each call takes and answers, for the OpenAPI document; a test holds it to what the routes read.

A line is `METHOD path | what it takes | what it answers`. A field is `name`, `name!` when it must be there, `name:type`
when it is no text; `?` after the type of an answer's member says that it can be null. Without members an answer is
Comet's OK; `*` is an object with members of all kinds, `file` bytes.
"""

from __future__ import annotations

from typing import NamedTuple

_PROJECT = "projectId workspaceName projectName"
_VERSIONS = "tag stage status versionPrefix versionMajor:integer versionMinor:integer"
_ARTIFACT = "artifactId artifact_id workspace artifactName experimentKey"
_UPLOAD = (
    "overwrite:boolean assetId imageId type fileName figName groupingName extension step:integer epoch:number context "
    "artifactVersionId"
)
_AT = "step:integer epoch:number timestamp:moment"
_BEATS = "isAliveBeatDurationMillis:integer gpuMonitorIntervalMillis:integer cpuMonitorIntervalMillis:integer"

REST = f"""
GET account-details | | userName defaultWorkspaceName
GET workspaces | | workspaceNames:strings
GET projects | workspaceName | projects:projects
GET project | {_PROJECT} | *
GET project/notes | {_PROJECT} | notes
GET project/column-names | {_PROJECT} archived:boolean | columns:columns
GET project/get-project-share-links | projectId! | shareCodes:strings
GET write/project/add-share-link | projectId! | shareCode
GET write/project/delete-project-share-link | projectId! shareCode! |
POST write/project/create | workspaceName projectName! projectDescription isPublic:boolean | *
POST write/project/update | {_PROJECT} newProjectName newProjectDescription isPublic:boolean |
POST write/project/update-owner | {_PROJECT} userName! |
POST write/project/delete | {_PROJECT} deleteAllExperiments:boolean |
POST write/project/notes | {_PROJECT} notes! |
GET write/project/symlink | experimentKey! projectName! | link
POST project/query | {_PROJECT} predicates:any archived:boolean | experimentKeys:strings
POST experiments/search | {_PROJECT} rulesTree:any multipleSort:any deleted:boolean page:count limit:count | experiments:experiments total:integer page:integer limit:integer
GET experiments | {_PROJECT} archived:boolean sortBy sortOrder page:count size:count | experiments:experiments
GET experiment/metadata | experimentKey! | *
POST write/experiment/create | workspaceName projectName experimentName | experimentKey link workspaceName projectName
GET write/experiment/archive | experimentKey! |
GET write/experiment/restore | experimentKey! |
GET write/experiment/delete | experimentKey! |
GET write/experiment/stop | experimentKey! |
POST write/experiment/move | targetWorkspaceName targetProjectName! experimentKeys!:strings symlink:boolean |
GET write/experiment/set-status | experimentKey! attempt:integer localTimestamp:moment writerStartMillis:moment | {_BEATS}
POST write/experiment/set-start-end-time | experimentKey! startTimeMillis:moment endTimeMillis:moment |
POST write/experiment/update-status | experimentKey! isAlive!:boolean hasCrashed:boolean error endedAs attempt:integer localTimestamp:moment writerStartMillis:moment |
POST write/experiment/{{key}}/mark-not-throttled | |
POST write/experiment/file-path | experimentKey! filePath! |
GET experiment/tags | experimentKey! | tags:strings
POST write/experiment/tags | experimentKey! addedTags!:strings |
POST write/experiment/tags/delete | experimentKey! tags!:strings |
POST write/experiment/metric | experimentKey! metricName! metricValue!:any context {_AT} |
GET experiment/metrics/get-metric | experimentKey! metricName! | metrics:points
GET experiment/metrics/get-all | experimentKey! | metrics:points
GET experiment/metrics/summary | experimentKey! | values:summaries
POST experiments/multi-metric-chart | targetedExperiments!:strings metrics:any params:any independentMetrics:boolean fetchFull:boolean | experiments:object empty:boolean
POST write/experiment/parameter | experimentKey! parameterName! parameterValue!:any step:integer context source timestamp:moment |
GET experiment/parameters | experimentKey! | values:facts
POST write/experiment/parameter/delete | experimentKey! parameterName! |
POST write/experiments/parameters/delete | body!:parameterNames |
POST write/experiment/log-other | experimentKey! key! value!:any timestamp:moment |
POST write/experiment/log-facts | experimentKey! facts!:loggedFacts |
GET experiment/log-other | experimentKey! | values:facts
POST write/experiment/html | experimentKey! html! override:boolean |
GET experiment/html | experimentKey! | html
POST write/experiment/output | experimentKey! outputLines!:outputLines runContext context |
GET experiment/output | experimentKey! | output
POST write/experiment/code | experimentKey! code! |
GET experiment/code | experimentKey! | code:string?
POST write/experiment/graph | experimentKey! graph! |
GET experiment/graph | experimentKey! | graph:string?
POST write/experiment/git/metadata | experimentKey! user root branch parent origin |
GET experiment/git/metadata | experimentKey! | user:string? root:string? branch:string? parent:string? origin:string?
POST write/experiment/git/patch | experimentKey! {_UPLOAD} | *
GET experiment/git/patch | experimentKey! | file
PUT write/experiment/dependencies | experimentKey! logDependencies!:packages |
POST write/experiment/cloud-details | experimentKey! provider! metadata:any |
POST write/experiment/system-details | experimentKey! |
GET experiment/system-details | experimentKey! | *
POST write/experiment/cpu-metrics | experimentKey! cpuPercentUtilization!:numbers {_AT} |
POST write/experiment/gpu-metrics | experimentKey! gpus!:gpus {_AT} |
POST write/experiment/ram-metrics | experimentKey! totalRam!:number usedRam!:number {_AT} |
POST write/experiment/load-metrics | experimentKey! loadAverage!:number {_AT} |
GET experiment/asset/list | experimentKey! type | assets:assets
GET experiment/asset/get-by-name | experimentKey! assetName! type | assets:assets
GET experiment/asset/get-asset | assetId imageId experimentKey artifactVersionId | file
GET write/experiment/asset/delete | experimentKey! assetId! |
POST write/experiment/upload-asset | experimentKey! {_UPLOAD} | *
GET experiment/model | experimentKey! | models:objects
GET experiment/model/asset/list | experimentKey! modelName! | assets:assets
GET experiment/model/download | experimentKey! modelName! | file
GET registry-model | workspaceName! | registryModels:objects
GET registry-model/count | workspaceName! | registryModelCount:integer
GET registry-model/details | workspaceName! modelName! | *
GET registry-model/latest_version | workspaceName! modelName! {_VERSIONS} | *
GET registry-model/compact-details | workspaceName! modelName! | registryModelId
GET registry-model/items | workspaceName! modelName! {_VERSIONS} | items:objects
GET registry-model/item/details | workspaceName! modelName! version! {_VERSIONS} | *
GET registry-model/item/download | workspaceName! modelName! version {_VERSIONS} | file
GET registry-model/item/download-instructions | workspaceName! modelName! version {_VERSIONS} | s3DownloadEnabled:boolean versions:objects
GET registry-model/notes | workspaceName! modelName! | notes
POST write/registry-model/notes | workspaceName! registryModelName! notes! |
GET registry-model/allowed_status_values | workspaceName! | allowedStatus:strings
POST registry-model/history/item | registryModelItemId! groupedBy | *
GET registry-model/item/{{item_id}}/metadata | | metadata:objects
POST write/registry-model/item/{{item_id}}/metadata | metadata!:entries |
GET registry-model/item/{{item_id}}/status-configuration | | *
POST write/registry-model/item/{{item_id}}/status-configuration | status! statusConfiguration:entries isReviewRequired:boolean comment | *
POST write/registry-model/item/create | experimentKey! experimentModelName! registryModelName! registryModelDescription version versionComment tags:any status publicModel:boolean | registryModelId registryModelItemId
POST write/registry-model | experimentModelId! registryModelName! version comment stages:any description isPublic:boolean | *
POST write/registry-model/item | experimentModelId! registryModelName! version comment stages:any description isPublic:boolean | *
POST write/registry-model/item/status | modelItemId! status! |
GET write/registry-model/item/stage | modelItemId! stage! |
GET write/registry-model/item/stage/delete | modelItemId! stage! |
POST write/registry-model/item/update | registryModelItemId! comment stages:any |
POST write/registry-model/update | registryModelId! registryModelName description isPublic:boolean |
GET write/registry-model/item/delete | modelItemId! |
GET write/registry-model/delete | workspaceName! modelName! |
POST write/artifacts/upsert | experimentKey! artifactName! artifactType! version alias:any versionTags:any versionMetadata | artifactId artifactVersionId currentVersion previousVersion:string?
POST write/artifacts/state | experimentKey! artifactVersionId! state! |
GET artifacts/version | {_ARTIFACT} consumerExperimentKey versionId version alias versionOrAlias | *
GET artifacts/version/files | {_ARTIFACT} versionId version alias versionOrAlias | files:objects
POST write/artifacts/details | artifactId! tags:any artifactType version versionMetadata |
POST write/artifacts/version/labels | artifactVersionId! alias:any versionTags:any versionMetadata |
GET artifacts/get-all | workspace! type | artifacts:objects
GET artifacts/get | {_ARTIFACT} | *
GET get/artifacts | experimentKey! filter | experimentKey artifacts:objects
POST write/artifact/assets/remote/batch | remoteArtifactAssetRequests!:remoteFiles experimentKey |
GET views/get-all | projectId! | views:objects
GET views/chart-templates | projectId! | views:objects
POST write/views/upsert | | unsupported
POST write/chart-templates/upsert | | unsupported
"""

CLIENTLIB = f"""
GET isAlive/ver | | version
GET health/ping | |
POST notification/experiment | |
POST notify/event | |
POST logger/add/run | experimentKey! teamName projectName local_timestamp:moment getOrCreateEnabled:boolean | *
POST logger/get/run | previousExperiment! | *
POST logger/copy-steps-from-experiment | copiedExperimentKey! newExperimentKey! stepToCopyTo:integer localTimestamp:moment | *
POST asset/3d-limits | | maxPoints:integer maxPointsFileSizeInBytes:integer maxBoxes:integer maxBoxesFileSizeInBytes:integer
POST status-report/update | experimentKey! is_alive!:boolean attempt:integer local_timestamp:moment writerStartMillis:moment | *
POST status-report/offline-metadata | experimentKey! startTimestamp:moment endTimestamp:moment |
POST batch/logger/experiment/metric | experimentKey! values!:metricValues |
POST batch/logger/experiment/parameter | experimentKey! values!:parameterValues |
POST tags/add-tags-to-experiment | experimentKey! addedTags!:strings |
GET symlink/new | experimentKey! projectName! | link
POST asset/upload | experimentId! {_UPLOAD} | *
POST visualizations/upload | experimentId! {_UPLOAD} | *
POST git-patch/upload | experimentId! {_UPLOAD} | *
POST asset | experimentKey! userFileName! assetType! step:integer metadata | assetId
POST asset/asset-item | experimentKey! assetId! userFileName! assetItemType! | *
PUT asset/{{asset_id}}/thumbnail | experimentKey! thumbnailExtension | *
POST asset/log-remote-model | experimentKey! modelName! remoteEntities!:modelFiles |
POST rpc/register-rpc | experimentKey! |
GET rpc/get-pending-rpcs | experimentKey! | remoteProcedureCalls:objects
POST rpc/save-rpc-result | |
"""


_FACT = "name! valueMax! valueMin! valueCurrent! timestampMax!:integer timestampMin!:integer timestampCurrent!:integer"

# Types of lists of objects that calls answer, and the members of one object.
ANSWERED = {
    "assets": (
        "assetId! experimentKey! fileName! fileSize!:integer runContext!:string? step!:integer? link! createdAt!:integer "
        "dir! canView!:boolean audio!:boolean video!:boolean histogram!:boolean image!:boolean type! metadata!:string? "
        "remote!:boolean tags!:strings compressedAssetLink!:string? s3Link!:string? curlDownload!:string?"
    ),
    "columns": "name! id! type! source!",
    "experiments": (
        "experimentKey! experimentName!:string? optimizationId!:string? userName! projectId! projectName! workspaceName! "
        "filePath!:string? fileName!:string? durationMillis!:integer startTimeMillis!:integer endTimeMillis!:integer "
        "archived!:boolean status! running!:boolean hasCrashed!:boolean error!:string? throttle!:boolean throttleMessage!:string? "
        "throttleReasons!:strings"
    ),
    "facts": _FACT,
    "points": "metricName! metricValue! timestamp!:integer step!:integer? epoch!:number? runContext!:string?",
    "projects": (
        "projectId! projectName! ownerUserName! projectDescription! workspaceName! numberOfExperiments!:integer "
        "lastUpdated!:integer public!:boolean"
    ),
    "summaries": f"{_FACT} stepMax!:integer? stepMin!:integer? stepCurrent!:integer?",
}
# Those that calls take, and the fields of one object.
ITEMS = {
    "entries": "key! value!:any",
    "gpus": "gpuId!:integer freeMemory:number usedMemory:number totalMemory:number gpuUtilization:number",
    "metricValues": f"metricName! metricValue!:any context {_AT}",
    "modelFiles": "remoteUrl! fileName assetId metadata",
    "loggedFacts": "kind! key value:any timestamp:moment addedTags:strings code filePath user root branch parent origin",
    "outputLines": "output! stderr:boolean offset:integer",
    "packages": "name! version",
    "parameterNames": "experimentKey! parameterName!",
    "parameterValues": "parameterName! parameterValue!:any step:integer context source timestamp:moment",
    "remoteFiles": "link! fileName assetId artifactVersionId! type step:integer context metadata overwrite:any",
}


class Member(NamedTuple):
    """A field of a call, or a member of an answer."""

    name: str
    kind: str
    required: bool
    nullable: bool


class Declaration(NamedTuple):
    """What a call takes, and what it answers: members, or `everything`, a `file`, `unsupported`, `ok`."""

    takes: list[Member]
    answers: list[Member]
    answer_kind: str


def declarations(table: str) -> dict[tuple[str, str], Declaration]:
    """The calls of a table by method and path, which begins with a slash."""
    return dict(_declaration(line) for line in table.splitlines() if line)


def items(kind: str) -> list[Member] | None:
    """The fields of the objects in a list of this type; None for other types."""
    members = ITEMS.get(kind) or ANSWERED.get(kind)
    return None if members is None else [_member(text) for text in members.split()]


def _declaration(line: str) -> tuple[tuple[str, str], Declaration]:
    call, takes, answers = (part.split() for part in line.split("|"))
    method, path = call
    special = {(): "ok", ("*",): "everything", ("file",): "file", ("unsupported",): "unsupported"}
    kind = special.get(tuple(answers), "members")
    members = [_member(text) for text in answers] if kind == "members" else []
    return (method, f"/{path}"), Declaration([_member(text) for text in takes], members, kind)


def _member(text: str) -> Member:
    name, _, kind = text.partition(":")
    return Member(name.rstrip("!"), kind.rstrip("?") or "string", name.endswith("!"), kind.endswith("?"))
