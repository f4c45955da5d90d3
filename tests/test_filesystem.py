"""Which folders are shared with other machines, told by the types of their file systems."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from zenml_comet_tracker import filesystem
from zenml_comet_tracker.filesystem import Mount, network_type, on_network


@pytest.mark.parametrize(
    ("mounts", "answer"),
    [
        ([("/", "ext4")], False),
        ([("/", "overlay"), ("/data", "nfs4")], True),
        ([("/", "nfs"), ("/data", "xfs")], False),
        ([("/data", "nfs"), ("/", "ext4")], True),
        ([("/", "ext4"), ("/data", "ext4"), ("/data", "cifs")], True),
        ([("/", "ext4"), ("/dat", "nfs")], False),
        ([("/", "ext4"), ("/data/journals/deeper", "nfs")], False),
        ([("/", "ext4"), ("/data/journals", "fuse.sshfs")], True),
        ([("/", "ext4"), ("/data", "fuse.gcsfuse")], True),
        ([("/", "ext4"), ("/data", "fuseblk")], False),
        ([("/", "ext4"), ("/data", "9p")], True),
        ([("/", "apfs"), ("/data", "smbfs")], True),
        *[([("/", "ext4"), ("/data", kind)], True) for kind in ("lustre", "gpfs", "ceph", "glusterfs", "afs", "NFS")],
        ([("/elsewhere", "ext4")], True),
        ([], True),
    ],
)
def test_a_folder_that_other_machines_may_use_is_told_by_its_mount(mounts: list[tuple[str, str]], answer: bool) -> None:
    assert on_network(Path("/data/journals"), [Mount(*mount) for mount in mounts]) is answer


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        *[(kind, kind) for kind in ("nfs4", "cifs", "9p", "lustre", "fuse.sshfs", "fuse.gcsfuse", "fuse.rclone")],
        ("NFS", "nfs"),
        *[(kind, None) for kind in ("ext4", "overlay", "tmpfs", "zfs", "fuseblk", "fuse.gocryptfs", "fuse")],
    ],
)
def test_only_what_is_certainly_shared_is_called_so(kind: str, answer: str | None) -> None:
    assert network_type(Path("/data/journals"), [Mount("/", "ext4"), Mount("/data", kind)]) == answer
    assert network_type(Path("/data"), []) is None


def test_the_temporary_folder_of_this_machine_is_its_own(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert on_network(link) is False
    assert os.path.ismount("/")


def test_the_mounts_are_those_that_psutil_names(tmp_path: Path) -> None:
    named = {Mount(found.mountpoint, found.fstype) for found in psutil.disk_partitions(all=True)}
    assert set(filesystem._mounts()) == named


def test_a_mount_point_with_a_space_is_read_as_it_is() -> None:
    line = "host:/export /mnt/my\\040data\\134x nfs4 rw,relatime 0 0\n"
    assert filesystem._mount(line) == Mount("/mnt/my data\\x", "nfs4")


def test_looking_for_the_mounts_loads_no_library() -> None:
    """Loading one at the end would change the exit code of a program that Ctrl-C ends."""
    code = "import sys; from zenml_comet_tracker.filesystem import on_network, Path; on_network(Path('/'))"
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print('psutil' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert loaded.stdout == "False\n"
