"""A model behind an address: what is sent, and what becomes of servers that fail at their part."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from exallm_trainer.evaluate.answers import GivenAnswer, unobserved
from exallm_trainer.synthesize.chat_address import ChatAddress, ChatGenerator
from exallm_trainer.synthesize.generator import Completion, ModelIdentity
from exallm_trainer.synthesize.second_model import chat_second
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion
from tests.chat_server import ChatServer, Reply, chat_server, refusal, said

KEY = "sk-0123456789"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(lambda body: said(body["messages"][0]["content"].upper())) as running:
        yield running


def generator(url: str, pauses: list[float] | None = None, **settings: Any) -> ChatGenerator:
    """One that notes its pauses instead of taking them."""
    noted: list[float] = [] if pauses is None else pauses
    return ChatGenerator(ChatAddress(url, "large", **settings), noted.append)


def completion(chat: ChatGenerator) -> Completion:
    """What it makes of one prompt."""
    ((_, only),) = chat.complete(["a"])
    return only


def test_each_prompt_is_answered(server: ChatServer) -> None:
    chat = generator(server.url, key=KEY)
    prompts = [f"prompt {number}" for number in range(9)]
    expected = [(at, Completion(text.upper(), False)) for at, text in enumerate(prompts)]
    assert sorted(chat.complete(prompts), key=lambda each: each[0]) == expected
    assert chat.identity == ModelIdentity("large", None)
    request = next(r for r in server.requests if r["messages"][0]["content"] == "prompt 3")
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["temperature"]) == ("large", 0)
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_without_a_key_none_is_sent(server: ChatServer) -> None:
    completion(generator(f"{server.url}/"))
    assert "authorization" not in server.headers[0]
    assert server.requests[0]["path"] == "/v1/chat/completions"


def test_a_reply_that_was_cut_is_known(server: ChatServer) -> None:
    server.answer = lambda body: said("half", "length")
    assert completion(generator(server.url)) == Completion("half", True)


def test_a_busy_server_is_asked_again_with_growing_pauses(server: ChatServer) -> None:
    replies = iter([refusal(429), refusal(503), refusal(500), said("at last")])
    server.answer = lambda body: next(replies)
    pauses: list[float] = []
    assert completion(generator(server.url, pauses)) == Completion("at last", False)
    assert pauses == [1.0, 2.0, 4.0]


def test_a_server_may_say_how_long_to_wait(server: ChatServer) -> None:
    replies = iter([refusal(429, Retry_After="7"), refusal(429, Retry_After="99999"), said("x")])
    server.answer = lambda body: next(replies)
    pauses: list[float] = []
    completion(generator(server.url, pauses))
    assert pauses == [7.0, 60.0]


def test_a_server_that_stays_busy_is_given_up(server: ChatServer) -> None:
    server.answer = lambda body: refusal(429, "too many requests")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*4 times: status 429, too many"):
        completion(generator(server.url))
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [301, 401, 403, 404])
def test_a_refusal_of_whoever_asks_is_not_repeated_and_shows_no_key(
    server: ChatServer, status: int
) -> None:
    server.answer = lambda body: refusal(status, f"the key {KEY} is wrong\n", Location="/elsewhere")
    with pytest.raises(ExallmError, match=f"E-EXALLM-DATA-31.*status {status}") as refused:
        completion(generator(server.url, key=KEY))
    assert len(server.requests) == 1
    assert KEY not in str(refused.value) and "***" in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        *(
            (refusal(status, f"{KEY} asks too much"), f"status {status}")
            for status in (400, 413, 422)
        ),
        (said(None), "no content"),
        (said("half of i", "content_filter"), "content filter"),
    ],
)
def test_a_refusal_of_one_prompt_ends_nothing(
    server: ChatServer, reply: Reply, reason: str
) -> None:
    server.answer = lambda body: reply if "bad" in body["messages"][0]["content"] else said("yes")
    found = dict(generator(server.url, key=KEY).complete(["good", "bad", "good"]))
    assert (found[0], found[2]) == (Completion("yes", False), Completion("yes", False))
    assert found[1].refused == reason and KEY not in found[1].text
    assert len(server.requests) == 3


def test_what_others_answered_comes_before_an_error(server: ChatServer) -> None:
    server.answer = lambda body: (
        refusal(401) if "bad" in body["messages"][0]["content"] else said("yes")
    )
    came = []
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*status 401"):
        for number, _ in generator(server.url).complete(["bad", "good", "good"]):
            came.append(number)
    assert sorted(came) == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"1",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [1]}',
        b'{"choices": [{"message": {}}]}',
        b'{"choices": [{"message": {"content": 1}}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_told_at_once(server: ChatServer, body: bytes) -> None:
    server.answer = lambda request: Reply([body])
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-32"):
        completion(generator(server.url))
    assert len(server.requests) == 1


def test_a_server_whose_compression_is_broken_is_asked_again(server: ChatServer) -> None:
    broken = Reply([b"no gzip"], headers={"Content-Encoding": "gzip"})
    replies = iter([broken, said("at last")])
    server.answer = lambda body: next(replies)
    assert completion(generator(server.url)) == Completion("at last", False)


def test_an_endless_answer_ends(server: ChatServer) -> None:
    server.answer = lambda request: Reply([b" " * (1 << 20)] * 6)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-32.*larger than 4 MiB"):
        completion(generator(server.url))


def test_a_server_that_drips_is_left_after_the_time_of_a_whole_reply(server: ChatServer) -> None:
    server.answer = lambda request: Reply([b"x"] * 100, pause=0.1)
    began = time.monotonic()
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*2 times: no whole reply in 0.3 s"):
        completion(generator(server.url, seconds=0.3, attempts=2))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\n", CHUNKED])
def test_a_server_that_drips_headers_or_sizes_is_left(begin: bytes) -> None:
    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(begin)
            for _ in range(100):
                connection.sendall(b"0")
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        pool.submit(drip, listening)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        began = time.monotonic()
        with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*no whole reply in 0.3 s"):
            completion(generator(url, seconds=0.3, attempts=1))
        assert time.monotonic() - began < 3


def test_a_server_that_never_answers_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*2 times: no whole reply"):
            completion(generator(url, seconds=0.2, attempts=2))


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    pauses: list[float] = []
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*ConnectError"):
        completion(generator(url, pauses))
    assert pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("url", "key", "problem"),
    [
        ("ftp://host/v1", None, "no address"),
        ("host/v1", None, "no address"),
        ("http://", None, "no address"),
        ("http://[::1/v1", None, "no address"),
        ("http://localhost:x/v1", None, "no address"),
        ("http://localhost:99999/v1", None, "no address"),
        ("https://host/v1?key=secret", None, "no address"),
        ("https://user:secret@host:bad/v1", None, "no address"),
        ("https://a..b/v1", None, "no address"),
        (f"https://{'a' * 64}.example/v1", None, "no address"),
        ("https://xn--/v1", None, "no address"),
        ("https://ho\x01st/v1", None, "no address"),
        ("https://user:secret@host/v1", None, "a user or password"),
        ("http://host/v1", KEY, "unencrypted"),
        ("https://host/v1", "two\nlines", "no header"),
    ],
)
def test_addresses_that_are_refused(url: str, key: str | None, problem: str) -> None:
    with pytest.raises(ExallmError, match=f"E-EXALLM-DATA-30.*{problem}") as refused:
        ChatAddress(url, "large", key)
    assert "secret" not in str(refused.value) and KEY not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_key_may_go_to_the_loopback_and_is_never_shown(host: str) -> None:
    address = ChatAddress(f"http://{host}:1/v1", "large", KEY)
    assert KEY not in repr(address)


def test_an_error_shows_host_and_no_path() -> None:
    assert ChatAddress("https://host:8000/secret/v1", "large").shown == "https://host:8000"


def test_a_second_model_that_refuses_a_question_answers_the_others(server: ChatServer) -> None:
    server.answer = lambda body: (
        refusal(400) if "Who" in body["messages"][0]["content"] else said("1682")
    )
    second = chat_second(generator(server.url))
    questions = [ContextQuestion("A mill of 1682.", text) for text in ("When?", "Who?", "When?")]
    answers = second.answerer.answer(questions, unobserved)
    assert [answer.refused for answer in answers] == [False, True, False]
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*each of 8 prompts: status 400, no"):
        second.answerer.answer(questions[1:2] * 20, unobserved)


def test_a_second_model_behind_an_address_answers_questions(server: ChatServer) -> None:
    server.answer = lambda body: said(" 1682\n" if "When" in body["messages"][0]["content"] else "")
    second = chat_second(generator(server.url, at_once=2))
    done: list[tuple[int, int]] = []
    questions = [ContextQuestion("A mill of 1682.", text) for text in ("When?", "Who?", "When?")]
    answers = second.answerer.answer(questions, lambda *counts: done.append(counts))
    assert [answer.text for answer in answers] == ["1682", None, "1682"]
    assert answers[0] == GivenAnswer("1682", True, "1682\n") and done == [(2, 3), (3, 3)]
    assert "unanswerable" in server.requests[0]["messages"][0]["content"]
