"""What kind of file system a folder is on, as far as locks depend on it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# Shared with other machines, or with the host of a virtual one: a lock there says nothing certain about who is alive.
_NETWORK_TYPES = (
    "9p",
    "acfs",
    "afpfs",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "gfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "ocfs2",
    "orangefs",
    "panfs",
    "prl_fs",
    "pvfs2",
    "quobyte",
    "smb",
    "smb3",
    "smbfs",
    "vboxsf",
    "virtiofs",
    "vmhgfs",
    "webdav",
    "wekafs",
)
# Everything else that runs in user space may be anywhere, and these certainly are elsewhere.
_LOCAL_FUSE = ("fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.ext2")
_NETWORK_FUSE = (
    "alluxio",
    "blobfuse",
    "blobfuse2",
    "ceph-fuse",
    "curlftpfs",
    "davfs2",
    "drive",
    "gcsfuse",
    "glusterfs",
    "goofys",
    "juicefs",
    "mfs",
    "mount-s3",
    "mountpoint-s3",
    "rclone",
    "s3fs",
    "smbnetfs",
    "sshfs",
    "vmhgfs-fuse",
)

_LINUX_MOUNTS = "/proc/self/mounts"


class Mount(NamedTuple):
    """A mounted file system: where, and of which type."""

    point: str
    kind: str


def on_network(folder: Path, mounts: Iterable[Mount] | None = None) -> bool:
    """Whether other machines may use the folder too, going by the type of its file system; True when nobody knows.

    `mounts` are the machine's when left out.
    """
    kind = _kind(folder, mounts)
    if kind is not None and _is_fuse(kind):
        return kind not in _LOCAL_FUSE
    return kind is None or _is_network(kind)


def network_type(folder: Path, mounts: Iterable[Mount] | None = None) -> str | None:
    """The type of the folder's file system when that is certainly shared with other machines; None otherwise, also
    when nobody knows."""
    kind = _kind(folder, mounts)
    return kind if kind is not None and _is_network(kind) else None


def _kind(folder: Path, mounts: Iterable[Mount] | None) -> str | None:
    real = os.path.realpath(folder)
    try:
        holding = [mount for mount in (_mounts() if mounts is None else mounts) if _holds(mount.point, real)]
    except OSError:
        return None
    if not holding:
        return None
    # Of several on the same point the last one covers the others.
    return max(enumerate(holding), key=lambda numbered: (len(numbered[1].point), numbered[0]))[1].kind.lower()


def _is_fuse(kind: str) -> bool:
    return kind.startswith(("fuse", "macfuse", "osxfuse"))


def _is_network(kind: str) -> bool:
    if _is_fuse(kind):
        return kind.partition(".")[2] in _NETWORK_FUSE
    # Some carry a version or the system's name: nfs4, smbfs.
    return kind in _NETWORK_TYPES or kind.rstrip("0123456789") in _NETWORK_TYPES


def _holds(point: str, path: str) -> bool:
    return path == point or path.startswith(point.rstrip("/") + "/")


def _mounts() -> list[Mount]:
    if os.path.exists(_LINUX_MOUNTS):
        # Not by psutil: loading it compiles source, at which Python forgets that a KeyboardInterrupt is ending the
        # program, and the program then ends with another exit code.
        with open(_LINUX_MOUNTS, encoding="utf-8", errors="surrogateescape") as stream:
            return [_mount(line) for line in stream]
    import psutil

    return [Mount(found.mountpoint, found.fstype) for found in psutil.disk_partitions(all=True)]


def _mount(line: str) -> Mount:
    """Of a line of the kernel's, where spaces and the like are written as three octal digits."""
    _, point, kind, *_ = line.split(" ")
    return Mount(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point), kind)
