"""A model behind an address that speaks OpenAI's chat completions."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from exallm_trainer.synthesize.generator import Completion, ModelIdentity
from exallm_trainer.synthesize.settings import refused
from exallm_udfs.errors import ExallmError

_CONNECT_SECONDS = 10.0
_LARGEST_REPLY = 4 << 20
_LONGEST_PAUSE = 60.0
_SHOWN = 200
_TOO_MANY = 429


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
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port  # both are read from the text only now
        except ValueError as error:
            raise _no_address(self.url) from error
        if parts.username is not None or parts.password is not None:
            raise refused("the address holds a user or password", "give the key in the environment")
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            raise _no_address(self.url)
        if not self.model:
            raise refused(f"no model of {self.url} is named", "say what the server calls it")
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise refused("the key holds what no header can carry", "check the environment")
        if self.key is not None and parts.scheme == "http" and not _is_loopback(host):
            raise refused(f"a key would go to {host} unencrypted", "name an https address")


class ChatGenerator:
    """Asks the address; several requests at a time.

    A server that answers 429 or 5xx, breaks off, or takes too long is asked again after a pause
    that doubles each time, or that it names itself.

    :param pause: waits so many seconds.
    """

    def __init__(self, address: ChatAddress, pause: Callable[[float], None] = time.sleep) -> None:
        self._address, self._pause = address, pause
        self._url = f"{address.url.rstrip('/')}/chat/completions"
        headers = {} if address.key is None else {"Authorization": f"Bearer {address.key}"}
        timeout = httpx.Timeout(address.seconds, connect=min(_CONNECT_SECONDS, address.seconds))
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(self._address.model, None)

    @property
    def at_once(self) -> int:
        return self._address.at_once

    def complete(self, prompts: Sequence[str]) -> list[Completion]:
        """One completion a prompt.

        :raises ExallmError: E-EXALLM-DATA-31 where the server refuses or never answers,
            E-EXALLM-DATA-32 where it answers something else.
        """
        with ThreadPoolExecutor(self._address.at_once) as pool:
            return list(pool.map(self._complete, prompts))

    def _complete(self, prompt: str) -> Completion:
        problem = ""
        for attempt in range(self._address.attempts):
            wait = min(2.0**attempt, _LONGEST_PAUSE)
            try:
                status, asked, body = self._post(prompt)
            except (httpx.RequestError, TimeoutError) as error:
                problem = f"{type(error).__name__} {error}".strip()
            else:
                if status == httpx.codes.OK:
                    return self._completion(body)
                problem = f"status {status}{self._told(body)}"
                if status != _TOO_MANY and status < 500:
                    raise self._unanswered(f"refuses: {problem}")
                wait = wait if asked is None else asked
            if attempt + 1 < self._address.attempts:
                self._pause(wait)
        raise self._unanswered(f"was asked {self._address.attempts} times: {problem}")

    def _post(self, prompt: str) -> tuple[int, float | None, bytes]:
        """Status, the pause that the server asks for, and body; bounded in time and size."""
        values = {
            "model": self._address.model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": self._address.max_tokens,
        }
        until = time.monotonic() + self._address.seconds
        body = bytearray()
        with self._client.stream("POST", self._url, json=values) as response:
            # A server may send a byte now and then for ever, which no timeout of a read ends.
            for part in response.iter_bytes():
                body += part
                if time.monotonic() > until:
                    raise TimeoutError(f"no whole reply in {self._address.seconds:g} s")
                if len(body) > _LARGEST_REPLY:
                    raise self._wrong("it is larger than 4 MiB")
        return response.status_code, _retry_after(response), bytes(body)

    def _completion(self, body: bytes) -> Completion:
        try:
            choice = json.loads(body)["choices"][0]
            text = choice["message"]["content"]
            if not isinstance(text, str):
                raise TypeError("its content is no text")
            return Completion(text, choice.get("finish_reason") == "length")
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
        return f", {line[:_SHOWN]}"

    def _unanswered(self, problem: str) -> ExallmError:
        return ExallmError(
            "E-EXALLM-DATA-31",
            f"{self._address.url} {problem}",
            "check address, model and key; the same command goes on where it ended",
        )

    def _wrong(self, problem: str) -> ExallmError:
        return ExallmError(
            "E-EXALLM-DATA-32",
            f"{self._address.url} answers no chat completion: {problem}",
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


def _no_address(url: str) -> ExallmError:
    return refused(f"{url} is no address", "write it as https://host/v1")
