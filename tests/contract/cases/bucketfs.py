"""BucketFS as scripts see it: paths, readiness on every node, archives."""

from __future__ import annotations

import io
import tarfile

from tests.contract.case import SqlCase, Step, Upload, fails

GROUP = "BucketFS"
ROOT = "/buckets/bfsdefault/default"
FOLDER = "exallm_contract"


def _reader(expression: str) -> Step:
    return Step(
        "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT READ_ () RETURNS VARCHAR(2000000) AS\n"
        "import glob, hashlib, os, pathlib, sys\n"
        f"M = '{ROOT}/{FOLDER}'\n"
        f"def run(ctx): return str({expression})\n"
    )


def reads(name: str, expression: str, expected: str, *uploads: Upload) -> SqlCase:
    """What a script finds."""
    steps = (*uploads, _reader(expression), Step("SELECT READ_()", [(expected,)]))
    return SqlCase(GROUP, name, steps)


def refuses(name: str, expression: str, words: str) -> SqlCase:
    """What a script may not do."""
    steps = (Upload(f"{FOLDER}/a.txt", b"alpha"), _reader(expression))
    return SqlCase(GROUP, name, (*steps, fails("SELECT READ_()", "22002", words)))


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inner/b.txt")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"beta"))
    return buffer.getvalue()


def _upload(path: str, content: bytes) -> Upload:
    return Upload(f"{FOLDER}/{path}", content)


ALPHA = _upload("a.txt", b"alpha")
EVERY_NODE = (
    "CREATE PYTHON3 SET SCRIPT READY_ (n INT) EMITS (node INT, nodes INT, is_there BOOLEAN) AS\n"
    "import os\n"
    "def run(ctx):\n"
    f"    there = os.path.exists('{ROOT}/{FOLDER}/a.txt')\n"
    "    ctx.emit(int(exa.meta.node_id), int(exa.meta.node_count), there)\n"
)

CASES = [
    reads("a file", "open(M + '/a.txt').read()", "alpha", ALPHA),
    reads(
        "a file in folders",
        "open(M + '/x/y/z.txt').read()",
        "deep",
        _upload("x/y/z.txt", b"deep"),
    ),
    reads(
        "bytes of any value",
        "hashlib.sha256(open(M + '/b.bin', 'rb').read()).hexdigest()[:16]",
        "40aff2e9d2d8922e",
        _upload("b.bin", bytes(range(256))),
    ),
    reads(
        "a megabyte",
        "os.path.getsize(M + '/large.bin')",
        "1048576",
        _upload("large.bin", bytes(2**20)),
    ),
    reads(
        "a name with blanks and letters of other languages",
        "open(M + '/zwölf 1.txt', encoding='utf-8').read()",
        "12",
        _upload("zwölf 1.txt", b"12"),
    ),
    reads(
        "a folder is listed",
        "sorted(os.listdir(M + '/list'))",
        "['one.txt', 'two.txt']",
        _upload("list/one.txt", b"1"),
        _upload("list/two.txt", b"2"),
    ),
    reads(
        "glob and pathlib",
        "[len(glob.glob(M + '/list/*.txt')), len(list(pathlib.Path(M, 'list').iterdir()))]",
        "[2, 2]",
        _upload("list/one.txt", b"1"),
        _upload("list/two.txt", b"2"),
    ),
    reads(
        "Python modules are imported",
        "sys.path.append(M + '/lib') or __import__('contract_module').X",
        "42",
        _upload("lib/contract_module.py", b"X = 41 + 1\n"),
    ),
    reads("a file that is not there", "os.path.exists(M + '/no')", "False", ALPHA),
    SqlCase(
        GROUP,
        "a file that is written again is the newer one",
        (
            _upload("again.txt", b"old"),
            _reader("open(M + '/again.txt').read()"),
            Step("SELECT READ_()", [("old",)]),
            _upload("again.txt", b"newer"),
            Step("SELECT READ_()", [("newer",)]),
        ),
    ),
    refuses("opening what is not there", "open(M + '/no/such').read()", "FileNotFoundError"),
    refuses("writing a new file", "open(M + '/new.txt', 'w')", "OSError"),
    refuses("writing over a file", "open(M + '/a.txt', 'a')", "OSError"),
    refuses("removing a file", "os.remove(M + '/a.txt')", "OSError"),
    refuses("making a folder", "os.mkdir(M + '/new')", "OSError"),
    SqlCase(
        GROUP,
        "every node says whether a file is there",
        (
            ALPHA,
            Step(EVERY_NODE),
            Step("CREATE TABLE SEEDS (N INT)"),
            Step("INSERT INTO SEEDS SELECT 1 FROM (VALUES (1), (2), (3), (4)) AS V (A)", 4),
            *(Step("INSERT INTO SEEDS SELECT N FROM SEEDS") for _ in range(4)),
            Step(
                "SELECT COUNT(DISTINCT NODE) = MAX(NODES)"
                " AND MIN(CASE WHEN IS_THERE THEN 1 ELSE 0 END) = 1"
                " FROM (SELECT READY_(N) FROM SEEDS GROUP BY IPROC())",
                [(True,)],
            ),
        ),
    ),
    SqlCase(
        GROUP,
        "an archive is unpacked under its name without the ending",
        (
            _upload("pack.tar.gz", _archive()),
            _reader("open(M + '/pack/inner/b.txt').read()"),
            Step("SELECT READ_()", [("beta",)]),
        ),
    ),
]
