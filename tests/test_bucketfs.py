"""The HTTP BucketFS, with the real client and with bare sockets."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import io
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import exasol.bucketfs as bfs
import pytest
import requests

from exallm.local.bucketfs.server import BucketFsServer
from exallm_udfs.errors import ExallmError

WRITE, READ = "write-secret", "read-secret"
LIMITED_SERVER = """
import resource, sys, time
from pathlib import Path
from exallm.local.bucketfs.server import BucketFsServer
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
with BucketFsServer(Path(sys.argv[1]), "write-secret", "read-secret") as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BucketFsServer]:
    with BucketFsServer(tmp_path, WRITE, READ) as running:
        yield running


@pytest.fixture
def bucket(server: BucketFsServer) -> bfs.Bucket:
    service = bfs.Service(server.url, {"default": {"username": "w", "password": WRITE}})
    return service["default"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "bfsdefault" / "default"


def authorization(user: str = "w", password: str = WRITE) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def request(
    server: BucketFsServer, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, str]:
    """One request on a connection of its own, the path sent exactly as given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in {"Authorization": authorization(), **headers}.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def uploads(tmp_path: Path) -> list[Path]:
    return list((tmp_path / ".uploads" / "bfsdefault").iterdir())


def test_the_client_uploads_lists_downloads_and_deletes(bucket: bfs.Bucket, files: Path) -> None:
    assert list(bucket.files) == []
    bucket.upload("models/qa/v1/model.bin", io.BytesIO(b"\x00weights"))
    bucket.upload("zwölf 😀 %20+.txt", b"")
    bucket.upload("models/qa/v1/model.bin", b"newer")
    assert set(bucket.files) == {"models/qa/v1/model.bin", "zwölf 😀  +.txt"}
    assert bfs.as_bytes(bucket.download("models/qa/v1/model.bin")) == b"newer"
    assert (files / "models/qa/v1/model.bin").read_bytes() == b"newer"
    bucket.delete("models/qa/v1/model.bin")
    bucket.delete("models/qa/v1/model.bin")
    assert [path.name for path in files.iterdir()] == ["zwölf 😀  +.txt"]


def test_the_path_interface_of_the_client(server: BucketFsServer, files: Path) -> None:
    root = bfs.path.build_path(
        backend=bfs.path.StorageBackend.onprem,
        url=server.url,
        bucket_name="default",
        service_name="bfsdefault",
        username="w",
        password=WRITE,
        verify=False,
    )
    (root / "a" / "b.txt").write(b"hello")
    assert (files / "a" / "b.txt").read_bytes() == b"hello"
    assert [str(path) for path in (root / "a").iterdir()] == ["a/b.txt"]
    assert (root / "a" / "b.txt").as_udf_path() == "/buckets/bfsdefault/default/a/b.txt"
    assert b"".join((root / "a" / "b.txt").read()) == b"hello"
    (root / "a").rmdir(recursive=True)
    assert not (root / "a" / "b.txt").exists()
    assert list(files.iterdir()) == []


def test_a_stream_of_unknown_length_is_stored(bucket: bfs.Bucket, files: Path) -> None:
    bucket.upload("chunked", iter([b"a" * 70_000, b"b", b"c" * 3]))
    assert (files / "chunked").read_bytes() == b"a" * 70_000 + b"bccc"


def test_a_large_file_goes_through_fast_and_whole(bucket: bfs.Bucket) -> None:
    content = bytes(range(256)) * 400_000
    began = time.monotonic()
    bucket.upload("large", io.BytesIO(content))
    digest = hashlib.sha256()
    for chunk in bucket.download("large", chunk_size=2**20):
        digest.update(chunk)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert time.monotonic() - began < 20


def test_the_reader_reads_only(server: BucketFsServer, bucket: bfs.Bucket) -> None:
    bucket.upload("f", b"x")
    reader = authorization("r", READ)
    assert request(server, "GET", "/default", Authorization=reader) == (200, "f\n")
    assert request(server, "GET", "/default/f", Authorization=reader) == (200, "x")
    for method in ("PUT", "DELETE"):
        status, text = request(server, method, "/default/f", b"", Authorization=reader)
        assert (status, text) == (403, "user r may not write\n")
    assert bfs.as_bytes(bucket.download("f")) == b"x"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !!!",
        "Bearer " + authorization()[6:],
        authorization("w", READ),
        authorization("r", WRITE),
        authorization("w", WRITE + "x"),
        authorization("w", ""),
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/default"), ("PUT", "/default/f")])
def test_wrong_credentials_are_refused(
    server: BucketFsServer, tmp_path: Path, method: str, path: str, value: str
) -> None:
    status, text = request(server, method, path, b"x", Authorization=value)
    assert (status, text) == (401, "user name or password is wrong\n")
    assert list((tmp_path / "bfsdefault/default").iterdir()) == []


def test_the_client_reports_a_wrong_password_even_for_a_large_file(server: BucketFsServer) -> None:
    service = bfs.Service(server.url, {"default": {"username": "w", "password": "no"}})
    with pytest.raises(bfs.BucketFsError) as caught:
        service["default"].upload("f", io.BytesIO(bytes(30_000_000)))
    assert isinstance(caught.value.__cause__, requests.HTTPError)
    assert caught.value.__cause__.response.status_code == 401


def test_buckets_are_listed_to_anyone_but_nothing_else(server: BucketFsServer) -> None:
    assert request(server, "GET", "/", Authorization="") == (200, "default\n")
    assert request(server, "GET", "/other")[0] == 404
    assert request(server, "PUT", "/other/f", b"x")[0] == 404


def test_head_tells_the_size(server: BucketFsServer, bucket: bfs.Bucket) -> None:
    bucket.upload("f", b"12345")
    answer = requests.head(f"{server.url}/default/f", auth=("r", READ), timeout=10)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "5")
    answer = requests.head(f"{server.url}/default/gone", auth=("r", READ), timeout=10)
    assert (answer.status_code, answer.content) == (404, b"")


def test_what_is_no_file_is_not_found(server: BucketFsServer, bucket: bfs.Bucket) -> None:
    bucket.upload("folder/f", b"x")
    for path in ("/default/gone", "/default/folder", "/default/folder/f/deeper"):
        assert request(server, "GET", path) == (404, "there is no such file\n")
    assert request(server, "DELETE", "/default/folder")[0] == 200
    assert set(bucket.files) == {"folder/f"}


def test_a_file_and_a_folder_cannot_share_a_path(
    server: BucketFsServer, bucket: bfs.Bucket, tmp_path: Path
) -> None:
    bucket.upload("a/b", b"x")
    assert request(server, "PUT", "/default/a", b"y")[0] == 409
    assert request(server, "PUT", "/default/a/b/c", b"y")[0] == 409
    assert set(bucket.files) == {"a/b"}
    assert uploads(tmp_path) == []


@pytest.mark.parametrize(
    "path",
    [
        "../../outside",
        "%2e%2e/outside",
        "a/../../outside",
        "a%2f..%2f..%2foutside",
        "./a",
        "/etc/passwd",
        "%2fetc/passwd",
        "a//b",
        "a/",
        "a%00b",
        "a%0ab",
        "a%5cb",
        "a\\b",
        "%ff",
        "x" * 256,
        "/".join(["x" * 100] * 11),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_paths_that_lead_elsewhere_are_refused(
    server: BucketFsServer, tmp_path: Path, method: str, path: str
) -> None:
    status, text = request(server, method, f"/default/{path}", b"x")
    assert status == 400
    assert text.startswith("the path ")
    assert text.count("\n") == 1
    found = [place.name for place in tmp_path.rglob("*") if place.is_file()]
    assert found == []


def test_symbolic_links_are_neither_followed_nor_listed(
    server: BucketFsServer, bucket: bfs.Bucket, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    (files / "link").symlink_to(tmp_path / "secret")
    (files / "folder").symlink_to(tmp_path)
    for method in ("GET", "PUT", "DELETE"):
        for path in ("link", "folder/secret"):
            status, text = request(server, method, f"/default/{path}", b"x")
            assert (status, text) == (400, "the path leads through a symbolic link\n")
    assert list(bucket.files) == []
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("method", ["POST", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(server: BucketFsServer, method: str) -> None:
    assert request(server, method, "/default/f", b"x") == (405, f"{method} is not supported\n")


def talk(server: BucketFsServer, *parts: bytes, end: bool = True) -> bytes:
    """Send bytes on one connection and read until the server closes it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        if end:
            with contextlib.suppress(OSError):  # the server may have closed it already
                connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def head(method: str, path: str, *lines: str, user: str = "w", password: str = WRITE) -> bytes:
    first = [f"{method} {path} HTTP/1.1", "Host: x"]
    last = [f"Authorization: {authorization(user, password)}", "", ""]
    return "\r\n".join([*first, *lines, *last]).encode()


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (head("PUT", "/default/../x", "Content-Length: 5"), b"400"),
        (head("PUT", "/default/f", "Content-Length: 5", password="no"), b"401"),
        (head("PUT", "/default/f", "Content-Length: 5", user="r", password=READ), b"403"),
        (head("DELETE", "/other/f", "Content-Length: 5"), b"404"),
        (head("POST", "/default/f", "Content-Length: 5"), b"405"),
        (head("GET", "/default", "Content-Length: 5"), b"200"),
    ],
)
def test_the_connection_stays_usable_after_a_refused_body(
    server: BucketFsServer, refused: bytes, status: bytes
) -> None:
    answers = talk(server, refused + b"GET /", head("GET", "/default/gone"))
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [status, b"404"]


def test_chunked_bodies_are_drained_too(server: BucketFsServer) -> None:
    refused = head("PUT", "/default/f", "Transfer-Encoding: chunked", password="no")
    answers = talk(
        server, refused + b"3;x=y\r\nGET\r\n0\r\nTrailer: x\r\n\r\n", head("GET", "/other")
    )
    assert answers.count(b"HTTP/1.1 401") == answers.count(b"HTTP/1.1 404") == 1


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        (["Content-Length: x"], b"", b"400"),
        (["Content-Length: -1"], b"", b"400"),
        (["Content-Length: 1", "Content-Length: 2"], b"ab", b"400"),
        (["Content-Length: 1", "Transfer-Encoding: chunked"], b"a", b"400"),
        (["Transfer-Encoding: gzip"], b"", b"501"),
        (["Transfer-Encoding: chunked"], b"zz\r\nab\r\n", b"400"),
        (["Transfer-Encoding: chunked"], b"1\r\nab\r\n0\r\n\r\n", b"400"),
        ([], b"", b"411"),
    ],
)
def test_bodies_without_a_clear_end_are_refused(
    server: BucketFsServer, tmp_path: Path, lines: list[str], body: bytes, status: bytes
) -> None:
    answer = talk(server, head("PUT", "/default/f", *lines) + body)
    assert answer.split(b" ")[1] == status
    assert answer.count(b"HTTP/1.1") == 1
    assert uploads(tmp_path) == list((tmp_path / "bfsdefault/default").iterdir()) == []


def test_a_refused_body_that_is_malformed_closes_the_connection(server: BucketFsServer) -> None:
    refused = head("PUT", "/default/f", "Transfer-Encoding: chunked", password="no")
    answers = talk(server, refused + b"zz\r\n", head("GET", "/default"))
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [b"400"]


def test_a_client_that_waits_for_100_continue_is_answered(
    server: BucketFsServer, files: Path
) -> None:
    lines = ("Content-Length: 2", "Expect: 100-continue")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head("PUT", "/default/f", *lines))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ok")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert (files / "f").read_bytes() == b"ok"
    refused = talk(server, head("PUT", "/default/f", *lines, password="no"), end=False)
    assert refused.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "broken",
    [
        head("PUT", "/default/f", "Content-Length: 1000000") + b"x" * 1000,
        head("PUT", "/default/f", "Transfer-Encoding: chunked") + b"5\r\nabc",
        head("PUT", "/default/f", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n",
    ],
)
def test_a_broken_off_upload_leaves_the_old_file(
    server: BucketFsServer, bucket: bfs.Bucket, tmp_path: Path, broken: bytes
) -> None:
    bucket.upload("f", b"old")
    assert talk(server, broken) == b""
    assert bfs.as_bytes(bucket.download("f")) == b"old"
    assert set(bucket.files) == {"f"}
    assert uploads(tmp_path) == []


def test_an_upload_is_invisible_until_it_is_whole(
    server: BucketFsServer, bucket: bfs.Bucket, files: Path
) -> None:
    bucket.upload("f", b"old")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head("PUT", "/default/f", "Content-Length: 6") + b"new")
        time.sleep(0.1)
        assert set(bucket.files) == {"f"}
        assert (files / "f").read_bytes() == b"old"
        connection.sendall(b"est")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert (files / "f").read_bytes() == b"newest"


def test_uploads_beside_each_other_and_deletes_do_not_meet(bucket: bfs.Bucket) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(15):
                bucket.upload(f"deep/er/{number}", bytes([number]) * 10_000)
                assert (
                    bfs.as_bytes(bucket.download(f"deep/er/{number}")) == bytes([number]) * 10_000
                )
                bucket.delete(f"deep/er/{number}")
        except BaseException as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(bucket.files) == []


def test_stopping_breaks_off_uploads_and_leftovers_vanish_at_start(tmp_path: Path) -> None:
    server = BucketFsServer(tmp_path, WRITE, READ)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head("PUT", "/default/f", "Content-Length: 9") + b"part")
        time.sleep(0.1)
        assert len(uploads(tmp_path)) == 1
        server.stop()
        assert connection.recv(65536) == b""
    assert uploads(tmp_path) == []
    (tmp_path / ".uploads/bfsdefault/killed").write_bytes(b"half")
    server.start()
    assert uploads(tmp_path) == []
    server.stop()
    server.stop()


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED_SERVER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/default/f"
        with requests.Session() as session:
            session.auth = ("w", WRITE)
            assert session.put(url, b"old", timeout=20).status_code == 200
            answer = session.put(url, b"x" * 3_000_000, timeout=20)
            assert (answer.status_code, answer.text) == (
                507,
                "the disk is full; nothing was changed\n",
            )
            assert session.get(url, timeout=20).content == b"old"
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)
    assert uploads(tmp_path) == []


def test_a_taken_port_is_named(server: BucketFsServer, tmp_path: Path) -> None:
    second = BucketFsServer(tmp_path / "second", WRITE, READ, port=server.port)
    with pytest.raises(ExallmError, match=f"cannot listen on 127.0.0.1:{server.port}") as caught:
        second.start()
    assert caught.value.code == "E-EXALLM-LOCAL-42"
    second.stop()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"host": "0.0.0.0"}, "no loopback address"),
        ({"write_password": ""}, "a password is empty"),
        ({"write_password": READ}, "both passwords are the same"),
        ({"service": "../x"}, "is no name"),
        ({"bucket": ""}, "is no name"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tmp_path: Path, changes: dict[str, str], text: str
) -> None:
    settings = {"write_password": WRITE, "read_password": READ, **changes}
    with pytest.raises(ExallmError, match=text) as caught:
        BucketFsServer(tmp_path, **settings)  # type: ignore[arg-type]
    assert caught.value.code == "E-EXALLM-LOCAL-43"
    assert WRITE not in str(caught.value)


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ExallmError, match="cannot be used") as caught:
        BucketFsServer(tmp_path / "file", WRITE, READ).start()
    assert caught.value.code == "E-EXALLM-LOCAL-43"


def test_no_password_is_shown(server: BucketFsServer, capfd: pytest.CaptureFixture[str]) -> None:
    request(server, "GET", "/default")
    talk(server, b"nonsense\r\n\r\n")
    assert WRITE not in repr(server.settings) + repr(vars(server))
    assert capfd.readouterr() == ("", "")
