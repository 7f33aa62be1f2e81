#!/bin/sh
# Prints the path of a Python that can run jinheng: 3.12, 3.13 or 3.14, with venv and ensurepip.
# UV_PYTHON (or PYTHON) names one: a path, a command, or a version such as 3.13. Then no other is tried.
# Every candidate is really run: a version manager's shim may be on PATH and yet fail.

# 3.15 and later are left out because the solver (highspy) has no wheels for them yet.
probe='
import os, sys
import ensurepip, venv
if not (3, 12) <= sys.version_info[:2] <= (3, 14):
    raise SystemExit(1)
print(os.path.realpath(sys.executable))
'

fits() {
    found=$("$1" -c "$probe" 2>/dev/null </dev/null) && [ -n "$found" ] && [ -x "$found" ] && printf '%s\n' "$found"
}

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

wanted=${UV_PYTHON:-${PYTHON:-}}
if [ -n "$wanted" ]; then
    fits "$wanted" && exit 0
    case $wanted in
        3.* | python3.*)
            version=${wanted#python}
            fits "python$version" && exit 0
            for candidate in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version"*/bin/python; do
                fits "$candidate" && exit 0
            done
            ;;
    esac
    fail "jinheng needs Python 3.12, 3.13 (preferred) or 3.14 with its venv module, and $wanted is not one: name one that is, as in 'make demo UV_PYTHON=/path/to/python3.13'."
fi

for version in 3.13 3.14 3.12; do
    for candidate in \
        "python$version" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version"*/bin/python \
        "$HOME/.pyenv/versions/$version"*/bin/python \
        "$HOME/.local/share/uv/python/cpython-$version"*/bin/python \
        "$HOME/.local/bin/python$version" \
        "/usr/local/bin/python$version" \
        "/usr/bin/python$version" \
        "/opt/homebrew/bin/python$version" \
        "/opt/python/$version"*/bin/python \
        "/opt/python$version/bin/python$version" \
        "/Library/Frameworks/Python.framework/Versions/$version/bin/python$version"
    do
        fits "$candidate" && exit 0
    done
done
for candidate in python3 python; do
    fits "$candidate" && exit 0
done
fail "jinheng needs Python 3.12, 3.13 (preferred) or 3.14 with its venv module, and none was found: install one, or point at one with 'make demo UV_PYTHON=/path/to/python3.13'."
