"""Every call of Comet's protocol that its clients make, as facts: method and path, `{}` where an id stands."""

from __future__ import annotations

# Under /api/rest/v2/, and for the official SDK under /clientlib/rest/v2/ too. Many writes are GET.
REST = """
GET account-details
GET workspaces
GET projects
GET project
GET project/notes
GET project/column-names
GET project/get-project-share-links
GET write/project/add-share-link
GET write/project/delete-project-share-link
POST write/project/create
POST write/project/update
POST write/project/update-owner
POST write/project/delete
POST write/project/notes
GET write/project/symlink
POST project/query
POST experiments/search
GET views/get-all
GET views/chart-templates
POST write/views/upsert
POST write/chart-templates/upsert
GET experiments
GET experiment/metadata
POST write/experiment/create
GET write/experiment/archive
GET write/experiment/restore
GET write/experiment/delete
GET write/experiment/stop
POST write/experiment/move
GET write/experiment/set-status
POST write/experiment/set-start-end-time
POST write/experiment/update-status
POST write/experiment/{}/mark-not-throttled
POST write/experiment/file-path
GET experiment/tags
POST write/experiment/tags
POST write/experiment/tags/delete
POST write/experiment/metric
GET experiment/metrics/get-metric
GET experiment/metrics/get-all
GET experiment/metrics/summary
POST experiments/multi-metric-chart
POST write/experiment/parameter
GET experiment/parameters
POST write/experiment/parameter/delete
POST write/experiments/parameters/delete
POST write/experiment/log-other
POST write/experiment/log-facts
GET experiment/log-other
POST write/experiment/html
GET experiment/html
POST write/experiment/output
GET experiment/output
POST write/experiment/code
GET experiment/code
POST write/experiment/graph
GET experiment/graph
POST write/experiment/git/metadata
GET experiment/git/metadata
POST write/experiment/git/patch
GET experiment/git/patch
PUT write/experiment/dependencies
POST write/experiment/cloud-details
POST write/experiment/system-details
GET experiment/system-details
POST write/experiment/cpu-metrics
POST write/experiment/gpu-metrics
POST write/experiment/ram-metrics
POST write/experiment/load-metrics
GET experiment/asset/list
GET experiment/asset/get-by-name
GET experiment/asset/get-asset
GET write/experiment/asset/delete
POST write/experiment/upload-asset
GET experiment/model
GET experiment/model/asset/list
GET experiment/model/download
GET registry-model
GET registry-model/count
GET registry-model/details
GET registry-model/latest_version
GET registry-model/compact-details
GET registry-model/items
GET registry-model/item/details
GET registry-model/item/download
GET registry-model/item/download-instructions
GET registry-model/notes
POST write/registry-model/notes
GET registry-model/allowed_status_values
POST registry-model/history/item
GET registry-model/item/{}/metadata
POST write/registry-model/item/{}/metadata
GET registry-model/item/{}/status-configuration
POST write/registry-model/item/{}/status-configuration
POST write/registry-model/item/create
POST write/registry-model
POST write/registry-model/item
POST write/registry-model/item/status
GET write/registry-model/item/stage
GET write/registry-model/item/stage/delete
POST write/registry-model/item/update
POST write/registry-model/update
GET write/registry-model/item/delete
GET write/registry-model/delete
POST write/artifacts/upsert
POST write/artifacts/state
GET artifacts/version
GET artifacts/version/files
POST write/artifacts/details
POST write/artifacts/version/labels
GET artifacts/get-all
GET artifacts/get
GET get/artifacts
POST write/artifact/assets/remote/batch
"""

# Under /clientlib/.
CLIENTLIB = """
GET isAlive/ver
GET health/ping
POST logger/add/run
POST logger/get/run
POST logger/copy-steps-from-experiment
POST asset/3d-limits
POST status-report/update
POST status-report/offline-metadata
POST batch/logger/experiment/metric
POST batch/logger/experiment/parameter
POST tags/add-tags-to-experiment
POST asset/upload
POST visualizations/upload
POST git-patch/upload
POST asset
PUT asset/{}/thumbnail
POST asset/asset-item
POST asset/log-remote-model
POST notification/experiment
POST notify/event
GET symlink/new
POST rpc/register-rpc
GET rpc/get-pending-rpcs
POST rpc/save-rpc-result
"""

# At the root.
LINKS = """
GET api/asset/download
GET api/image/get
GET api/projects/redirect
"""

# At the root; the local Comet says of them that it does not do that.
UNSUPPORTED = """
POST api/rest/v2/write/views/upsert
POST api/rest/v2/write/chart-templates/upsert
GET optimizer/next
GET optimizer/spec
GET optimizer/status
GET optimizer/algorithms
POST optimizer/update
POST optimizer/insert
"""


def calls(table: str, *prefixes: str) -> list[tuple[str, str]]:
    """Method and path of each call of a table, under each prefix."""
    rows = (line.split() for line in table.split("\n") if line)
    return [(method, f"{prefix}{path}") for method, path in rows for prefix in prefixes or ("",)]


ALL = [
    *calls(REST, "api/rest/v2/", "clientlib/rest/v2/"),
    *calls(CLIENTLIB, "clientlib/"),
    *calls(LINKS),
]
