"""`curl` as documents show it, answered by the service in this process: what a reader would type, and what they'd see.

Understood: -s, -X, -H, -d and --data-binary (text or @file), -F name=@file, -o, a URL on this machine's port 8000, and
after it `| python -m json.tool --no-ensure-ascii` or `| jq -r .key` inside NAME=$(...).
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from api.settings import ServiceSettings
from tests.http.conftest import application

ADDRESS = "http://127.0.0.1:8000"
CAPTURE = re.compile(r"(?P<name>[A-Z_]+)=\$\((?P<command>curl .*?)\s*\|\s*jq -r \.(?P<key>\w+)\)$")


class TypedCurl:
    """One service for one document, started with the first request."""

    def __init__(self, folder: Path, lang: str) -> None:
        self._folder, self._lang = folder, lang
        self._client: TestClient | None = None
        self.names: dict[str, str] = {}

    def close(self) -> None:
        if self._client is not None:
            self._client.__exit__(None, None, None)

    def capture(self, line: str, folder: Path) -> bool:
        """Whether the line was NAME=$(curl ... | jq -r .key); then the name is known from now on."""
        found = CAPTURE.fullmatch(line.strip())
        if found is None:
            return False
        self.names[found["name"]] = str(json.loads(self.type(found["command"], folder))[found["key"]])
        return True

    def type(self, line: str, folder: Path) -> str:
        """What the terminal shows, typed in a folder."""
        for name, value in self.names.items():
            line = line.replace(f"${name}", value)
        command, _, filter_ = line.partition(" | ")
        method, path, more, out = self._read(shlex.split(command, comments=True)[1:], folder)
        answer = self._opened().request(method, path, **more)
        if out is not None:
            (folder / out).write_bytes(answer.content)
            return ""
        if not filter_:
            return answer.text
        assert filter_.strip() == "python -m json.tool --no-ensure-ascii", filter_
        return json.dumps(answer.json(), ensure_ascii=False, indent=4)

    def _read(self, words: list[str], folder: Path) -> tuple[str, str, dict[str, Any], str | None]:
        method, path, out, body = "", "", None, None
        files: list[tuple[str, tuple[str, bytes]]] = []
        headers = {"accept-language": "en" if self._lang == "en" else "zh"}
        rest = iter(words)
        for word in rest:
            if word in ("-s", "-sS"):
                continue
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(":")
                headers[name.strip().lower()] = value.strip()
            elif word in ("-d", "--data-binary"):
                text = next(rest)
                body = (folder / text[1:]).read_bytes() if text.startswith("@") else text.encode()
                headers.setdefault("content-type", "application/x-www-form-urlencoded")
            elif word == "-F":
                name, _, file = next(rest).partition("=@")
                files.append((name, (file, (folder / file).read_bytes())))
            elif word == "-o":
                out = next(rest)
            else:
                assert word.startswith(ADDRESS), f"the test knows no {word}"
                path = word.removeprefix(ADDRESS)
        sent = body is not None or files
        return method or ("POST" if sent else "GET"), path, {"headers": headers, "content": body, "files": files}, out

    def _opened(self) -> TestClient:
        if self._client is None:
            known: dict[str, Any] = {"database": f"sqlite:///{self._folder / 'jinheng.db'}", "planners": 0}
            app = application(ServiceSettings(**known))
            self._client = TestClient(app, base_url=ADDRESS, client=("127.0.0.1", 50_000))
            self._client.__enter__()
        return self._client
