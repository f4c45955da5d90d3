"""A whole project as open files: JSON lines, the files themselves, and a manifest of checksums.

    manifest.jsonl                  a head, each file with size and SHA-256, a last line that vouches for the others
    project.json                    name, description, notes, visibility
    symlinks.jsonl                  experiments that are listed in a project beside their own
    artifacts.jsonl lineage.jsonl   versions that the experiments made, with their files; versions that they read
    registry.jsonl                  registered models, and their versions that come from the experiments
    artifacts/<name>/<version>/<asset id>/<file>
    experiments/<key>/experiment.json       key, name, file path, times, status, archived
    experiments/<key>/metrics.jsonl         one point a line, at full resolution
    experiments/<key>/parameters.jsonl others.jsonl tags.json system.json git.json
    experiments/<key>/page.html output.txt code.txt graph.txt git.patch
    experiments/<key>/assets.jsonl assets/<asset id>/<file>
    server.jsonl experiments/<key>/server.jsonl     what a server sets and takes from nobody; in no manifest

What was not logged has no file. A folder without a manifest is half an export.
"""

from __future__ import annotations

from zenml_comet_tracker.comet.portable.exporting import ExportReport, export_project
from zenml_comet_tracker.comet.portable.importing import ImportReport, import_project

__all__ = ["ExportReport", "ImportReport", "export_project", "import_project"]
