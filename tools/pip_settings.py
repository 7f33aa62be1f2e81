"""Hands pip's own settings to uv, as shell lines to be evaluated.

uv does not read pip's configuration, so a machine that is set up for a mirror would fail with uv alone.
The settings live in the environment of one run only; nothing of them is written to a file.
A setting that uv already has in the environment is left as it is.
"""

import ast
import os
import shlex
import subprocess
import sys

# pip's name -> uv's variable, and what joins several values
TABLE = {
    "index_url": ("UV_DEFAULT_INDEX", " "),
    "extra_index_url": ("UV_INDEX", " "),
    "find_links": ("UV_FIND_LINKS", ","),
    "trusted_host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "proxy": ("ALL_PROXY", " "),
    "no_index": ("UV_NO_INDEX", " "),
}


def pip_settings(listing: str) -> dict[str, str]:
    """pip's settings by name, from `pip config list`; the environment outranks files, `install` outranks `global`."""
    rank = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        name = name.replace("-", "_")
        if section in rank and name in TABLE and rank[section] >= found.get(name, (-1, ""))[0]:
            found[name] = (rank[section], str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in found.items()}


def main() -> None:
    """Print one `export` line for each setting that uv should have."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name, value in pip_settings(listing).items():
        variable, joiner = TABLE[name]
        if value.strip() and variable not in os.environ:
            print(f"export {variable}={shlex.quote(joiner.join(value.split()))}")


if __name__ == "__main__":
    main()
