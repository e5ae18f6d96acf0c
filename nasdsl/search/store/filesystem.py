"""Whether a path lies on this machine's own disk.

Purpose: refuse network file systems, on which SQLite's locks and shared memory do not hold.
Non-goals: systems without `/proc/self/mountinfo`, where nothing is known and nothing refused.
"""

import re
from pathlib import Path

from nasdsl.errors import cell_error

_MOUNTS = Path("/proc/self/mountinfo")
#: Types of file systems that other machines share, as `mountinfo` calls them.
_SHARED = frozenset(
    (
        *("nfs", "nfs3", "nfs4", "cifs", "smb2", "smb3", "smbfs", "ncpfs", "afs", "coda", "9p"),
        *("lustre", "gpfs", "mmfs", "beegfs", "fhgfs", "ceph", "gfs", "gfs2", "ocfs2", "orangefs"),
        *("pvfs2", "panfs", "wekafs", "glusterfs", "acfs", "davfs", "quobyte", "vastnfs"),
    )
)
_SHARED_FUSE = re.compile(
    r"^fuse\.(sshfs|glusterfs|ceph|s3fs|gcsfuse|rclone|juicefs|quobyte|curlftpfs|"
    r"mfs|moosefs|seaweedfs|blobfuse2?|goofys|smbnetfs)"
)


def refuse_shared(path: Path, mounts: Path = _MOUNTS) -> None:
    """Do nothing where `path` lies on a local file system.

    Raises:
        CellError: NAS861, naming the file system, where it is shared between machines.
    """
    kind = file_system(path, mounts)
    if kind in _SHARED or _SHARED_FUSE.match(kind):
        raise cell_error(
            "NAS861",
            f"{path} lies on a network file system ({kind}), where a store would be damaged",
            "put the store on a local disk, for example `--store /tmp/search.db`",
            "SQLite's write-ahead log needs shared memory that one machine alone can give",
        )


def file_system(path: Path, mounts: Path = _MOUNTS) -> str:
    """The type of file system that `path` lies on, or an empty string where it is unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    place = path.absolute().parent.resolve()
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mounted = Path(_unescaped(before.split(" ")[4]))
        # Of two mounts in one place the later one is seen.
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:
            best, kind = len(mounted.parts), after.split(" ")[0]
    return kind


def _unescaped(name: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name)
