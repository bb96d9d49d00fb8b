"""Where a BucketFS path lies in the file system of this process."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from exallm_udfs.errors import ExallmError

# Set by the embedded engine alone, whose buckets lie in an ordinary folder: native libraries open
# files by themselves, so a path has to be real. On Exasol it is unset and paths are real as given.
BUCKETS_ROOT_VARIABLE = "EXALLM_BUCKETS_ROOT"


def real_path(bucket_path: str) -> Path:
    """The path that the operating system can open for ``/buckets/<service>/<bucket>/...``.

    Raises E-EXALLM-MODEL-2 where the path is not below ``/buckets`` or climbs out of it. The file
    need not exist.
    """
    path = PurePosixPath(bucket_path)
    if path.parts[:2] != ("/", "buckets") or ".." in path.parts or len(path.parts) < 4:
        raise ExallmError(
            "E-EXALLM-MODEL-2",
            f"{bucket_path!r} is not a path in a bucket",
            "use /buckets/<service>/<bucket>/... without '..'",
        )
    root = os.environ.get(BUCKETS_ROOT_VARIABLE)
    return Path(path) if root is None else Path(root, *path.parts[2:])
