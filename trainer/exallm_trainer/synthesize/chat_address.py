"""A model behind an address that speaks OpenAI's chat completions."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field

import httpx

from exallm_trainer.synthesize.generator import Completion, ModelIdentity
from exallm_trainer.synthesize.settings import refused
from exallm_udfs.errors import ExallmError

_CONNECT_SECONDS = 10.0
_LARGEST_REPLY = 4 << 20
_LONGEST_PAUSE = 60.0
_SHOWN = 200
_TOO_MANY = 429
# With these a server refuses the one prompt, as too long or unwanted; with others, whoever asks.
_REFUSE_A_PROMPT = (400, 413, 422)


@dataclass(frozen=True)
class ChatAddress:
    """Where the model is and how it is asked.

    :param url: as ``https://host/v1``; ``/chat/completions`` is added.
    :param model: what the server calls it.
    :param key: sent as a bearer token; None for a server that asks for none. It is shown nowhere.
    :param seconds: in which a reply has to be there as a whole.
    :param attempts: how often a server is asked that is busy, broken or silent.
    :param at_once: requests at a time.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    max_tokens: int = 512
    seconds: float = 120.0
    attempts: int = 4
    at_once: int = 4

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.url)
            host = url.host
            url.raw_host.decode("ascii").encode("idna")  # as the name is looked up
        except (ValueError, httpx.InvalidURL) as error:
            raise _no_address() from error
        if url.userinfo:
            raise refused("the address holds a user or password", "give the key in the environment")
        if url.scheme not in ("http", "https") or not host or (url.port or 0) > 65535:
            raise _no_address()
        if url.query or url.fragment:
            raise _no_address()
        if not self.model:
            raise refused(f"no model of {self.shown} is named", "say what the server calls it")
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise refused("the key holds what no header can carry", "check the environment")
        if self.key is not None and url.scheme == "http" and not _is_loopback(host):
            raise refused(f"a key would go to {host} unencrypted", "name an https address")

    @property
    def shown(self) -> str:
        """Scheme and host, which may be told to anybody; a path may be a secret."""
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.netloc.decode('ascii')}"


class ChatGenerator:
    """Asks the address; several requests at a time.

    A server that answers 429 or 5xx, breaks off, or takes too long is asked again after a pause
    that doubles each time, or that it names itself.

    :param pause: waits so many seconds.
    """

    def __init__(self, address: ChatAddress, pause: Callable[[float], None] = time.sleep) -> None:
        self._address, self._pause = address, pause
        self._url = f"{address.url.rstrip('/')}/chat/completions"
        self._headers = {} if address.key is None else {"Authorization": f"Bearer {address.key}"}
        self._certificates = httpx.create_ssl_context()

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(self._address.model, None)

    @property
    def at_once(self) -> int:
        return self._address.at_once

    def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
        """The number of each prompt and its completion, as they come.

        :raises ExallmError: E-EXALLM-DATA-31 where the server refuses whatever is asked or never
            answers, E-EXALLM-DATA-32 where it answers something else; once all others are here.
        """
        failed: ExallmError | None = None
        with ThreadPoolExecutor(self._address.at_once) as pool:
            numbers = {pool.submit(self._complete, text): at for at, text in enumerate(prompts)}
            for done in as_completed(numbers):
                try:
                    yield numbers[done], done.result()
                except ExallmError as error:
                    failed = error
        if failed is not None:
            raise failed

    def _complete(self, prompt: str) -> Completion:
        problem = ""
        for attempt in range(self._address.attempts):
            wait = min(2.0**attempt, _LONGEST_PAUSE)
            try:
                status, asked, body = asyncio.run(self._post(prompt))
            except TimeoutError:
                problem = f"no whole reply in {self._address.seconds:g} s"
            except httpx.RequestError as error:
                problem = f"{type(error).__name__} {error}".strip()
            else:
                if status == httpx.codes.OK:
                    return self._completion(body)
                told = self._told(body)
                if status in _REFUSE_A_PROMPT:
                    return Completion(told, False, f"status {status}")
                problem = ", ".join(filter(None, (f"status {status}", told)))
                if status != _TOO_MANY and status < 500:
                    raise self._unanswered(f"refuses: {problem}")
                wait = wait if asked is None else asked
            if attempt + 1 < self._address.attempts:
                self._pause(wait)
        raise self._unanswered(f"was asked {self._address.attempts} times: {problem}")

    async def _post(self, prompt: str) -> tuple[int, float | None, bytes]:
        """Status, the pause that the server asks for, and body; bounded in time and size.

        Asynchronous, since a server may send a byte now and then for ever, be it of a header, which
        no timeout of a read ends.
        """
        values = {
            "model": self._address.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self._address.max_tokens,
        }
        body = bytearray()
        timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
        async with (
            asyncio.timeout(self._address.seconds),
            httpx.AsyncClient(
                headers=self._headers, timeout=timeout, verify=self._certificates
            ) as client,
            client.stream("POST", self._url, json=values) as response,
        ):
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _LARGEST_REPLY:
                    raise self._wrong("it is larger than 4 MiB")
        return response.status_code, _retry_after(response), bytes(body)

    def _completion(self, body: bytes) -> Completion:
        try:
            choice = json.loads(body)["choices"][0]
            text, finish = choice["message"]["content"], choice.get("finish_reason")
            if finish == "content_filter":
                return Completion("", False, "content filter")
            if text is None:
                return Completion("", False, "no content")
            if not isinstance(text, str):
                raise TypeError("its content is no text")
            return Completion(text, finish == "length")
        except (
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            RecursionError,
        ) as error:
            raise self._wrong(f"{type(error).__name__} {error}") from error

    def _told(self, body: bytes) -> str:
        """The server's own message, where it has one, without the key."""
        try:
            found = json.loads(body)
            told = found["error"]["message"] if isinstance(found["error"], dict) else found["error"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return ""
        line = " ".join(str(told).split())
        if self._address.key:
            line = line.replace(self._address.key, "***")
        return line[:_SHOWN]

    def _unanswered(self, problem: str) -> ExallmError:
        return ExallmError(
            "E-EXALLM-DATA-31",
            f"{self._address.shown} {problem}",
            "check address, model and key; the same command goes on where it ended",
        )

    def _wrong(self, problem: str) -> ExallmError:
        return ExallmError(
            "E-EXALLM-DATA-32",
            f"{self._address.shown} answers no chat completion: {problem}",
            "name an address that speaks OpenAI's /v1/chat/completions",
        )


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, None where it asks for none or names a date."""
    text = response.headers.get("retry-after", "")
    return min(float(text), _LONGEST_PAUSE) if text.isdecimal() else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _no_address() -> ExallmError:
    """Without the text: what cannot be read as an address may hold a key anywhere."""
    return refused("what is named is no address of a model", "write it as https://host/v1")
