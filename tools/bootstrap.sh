#!/bin/sh
# Makes .venv with everything that jinheng needs:   tools/bootstrap.sh runtime|dev
# Needs only sh and a Python 3.12 to 3.14 (see find_python.sh). With nothing changed it returns at once, without network.
set -eu
cd "$(dirname "$0")/.."
room=${1:-runtime}

# An activated environment or stray search path must not leak into ours; uv is told its Python by path below.
wanted=${UV_PYTHON:-${PYTHON:-}}
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV UV_PYTHON PYTHON

# Made from: the place (scripts hold absolute paths), the locks, and what says how to install.
state="$(pwd) $(cksum pyproject.toml requirements.lock.txt requirements.runtime.lock.txt requirements.tools.txt \
    tools/bootstrap.sh | tr '\n' ' ')"

made() { # whether .venv holds room $1, made from the present state
    [ -x .venv/bin/python ] && [ -f ".venv/made-$1" ] && [ "$(cat ".venv/made-$1")" = "$state" ]
}

if [ -z "$wanted" ]; then
    if made dev || { [ "$room" = runtime ] && made runtime; }; then exit 0; fi
    python=$(sh tools/find_python.sh)
else
    python=$(UV_PYTHON=$wanted sh tools/find_python.sh)
    if [ "$(cat .venv/made-with 2>/dev/null)" = "$python $(pwd)" ]; then
        if made dev || { [ "$room" = runtime ] && made runtime; }; then exit 0; fi
    fi
fi
# An environment for developing is never cut down to one for running only.
if [ -f .venv/made-dev ]; then room=dev; fi

printf 'Setting up .venv (%s) with %s ...\n' "$room" "$python" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # quiet when all goes well, everything there is to read when not
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        printf 'Setting up failed at: %s\nNothing is half done: run make again when the cause above is gone.\n' "$*" >&2
        exit 1
    fi
}

# 1. uv, pinned and hashed, in a folder of its own. pip brings it, as pip knows this machine's mirror.
tools_state="$(cksum requirements.tools.txt)"
if [ ! -x .tools/bin/uv ] || [ ! -x .tools/bin/python ] || [ "$(cat .tools/made-from 2>/dev/null)" != "$tools_state" ]; then
    run "$python" -m venv --clear .tools
    run .tools/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --only-binary :all: \
        --require-hashes -r requirements.tools.txt
    printf '%s' "$tools_state" >.tools/made-from
fi

# 2. The pinned packages: wheels only, hashes checked.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}" # a company's own certificates
export UV_PYTHON_DOWNLOADS=never               # the Python that was found, no other
export UV_NO_CONFIG=1                          # nothing of a user's uv settings
export UV_INDEX_STRATEGY="${UV_INDEX_STRATEGY:-unsafe-best-match}" # as pip does; safe, as every file's hash is pinned
export UV_NO_PROGRESS=1
settings=$(.tools/bin/python tools/pip_settings.py)
eval "$settings"
case $room in
    dev) lock=requirements.lock.txt also=', pytest, xdist.remote, hypothesis, scipy.optimize' ;;
    *) lock=requirements.runtime.lock.txt also= ;;
esac
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/made-with 2>/dev/null)" != "$python $(pwd)" ]; then
    run .tools/bin/uv venv --quiet --clear --no-project --python "$python" .venv
    printf '%s' "$python $(pwd)" >.venv/made-with
fi
rm -f .venv/made-runtime .venv/made-dev
packages="$(cksum "$lock")"
if [ "$(cat .venv/made-from 2>/dev/null)" != "$packages" ]; then
    rm -f .venv/made-from
    sync='.tools/bin/uv pip sync --quiet --python .venv/bin/python --no-build --require-hashes'
    # What an earlier set-up on this machine has brought is used without asking the network again.
    $sync --offline "$lock" >"$log" 2>&1 </dev/null || run $sync "$lock"
    printf '%s' "$packages" >.venv/made-from
fi

# 3. jinheng itself, in place. Its build tools came with the lock, so this needs no network.
run .tools/bin/uv pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation --editable .

# 4. Import what every start imports, so that its bytecode is there: also where PYTHONDONTWRITEBYTECODE is set, which
#    makes starts 2 to 4 times slower. (Compiling every file of every package would take 20 s instead of 4.)
run env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c \
    "import numpy, pandas, pydantic, yaml, pulp, highspy, typer, rich.table, python_calamine, xlsxwriter$also"
printf '%s' "$state" >".venv/made-$room"
