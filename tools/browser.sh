#!/bin/sh
# A Chromium and Chinese letters for the tests of the pages:   tools/browser.sh
# Does nothing where there is one; installs Debian's where it may; else says what to do, and the tests skip those flows.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ -n "${JINHENG_TEST_BROWSER:-}" ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    printf 'Installing a Chromium for the tests of the pages ...\n' >&2
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if (apt-get update && apt-get install -y --no-install-recommends chromium fonts-wqy-microhei) >"$log" 2>&1 </dev/null; then
        exit 0
    fi
    tail -3 "$log" >&2
fi
printf 'No Chromium: the tests that drive the pages are skipped. Install one, or set JINHENG_TEST_BROWSER.\n' >&2
