#!/bin/sh
# What the tests use beside Python: programs that others wrote, as outside clients. A missing one skips its tests.
# None needs another: they are installed beside one another.
set -u
cd "$(dirname "$0")/.."

# Debian's programs.
programs() {
    missing=""
    for program in mosquitto mosquitto_sub mbpoll; do
        command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
    done
    [ -n "$missing" ] || return
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            mosquitto mosquitto-clients mbpoll) >/dev/null 2>&1
    fi
    for program in mosquitto mosquitto_sub mbpoll; do
        command -v "$program" >/dev/null 2>&1 ||
            echo "not installed: $program (Debian: mosquitto, mosquitto-clients, mbpoll); its tests are skipped"
    done
}

# The outside OPC UA client.
node() {
    installed=tests/outside/node_modules/.package-lock.json
    if [ -f "$installed" ] && ! [ tests/outside/package-lock.json -nt "$installed" ]; then return; fi
    if command -v npm >/dev/null 2>&1; then
        (cd tests/outside && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) ||
            echo "not installed: the npm packages of tests/outside; the tests with an outside OPC UA client are skipped"
    else
        echo "not installed: npm; the tests with an outside OPC UA client are skipped"
    fi
}

# The validator of RO-Crates wants another rich than ours: it has an environment of its own.
crate() {
    crate=tests/outside/crate
    if [ -f "$crate/.venv/.ready" ] && ! [ "$crate/constraints.txt" -nt "$crate/.venv/.ready" ]; then return; fi
    pip="$crate/.venv/bin/python -m pip --disable-pip-version-check -q install --constraint $crate/constraints.txt"
    (rm -rf "$crate/.venv" && .venv/bin/python -m venv "$crate/.venv" && $pip roc-validator &&
        $pip --no-deps rocrate && "$crate/.venv/bin/python" "$crate/context.py" "$crate/.venv/cache" &&
        touch "$crate/.venv/.ready") >/dev/null 2>&1 ||
        echo "not installed: roc-validator; the tests with an outside validator of RO-Crates are skipped"
}

# The outside Sparkplug host wants an older paho than ours.
sparkplug() {
    sparkplug=tests/outside/sparkplug
    if [ -f "$sparkplug/.venv/.ready" ] && ! [ "$sparkplug/constraints.txt" -nt "$sparkplug/.venv/.ready" ]; then
        return
    fi
    pip="$sparkplug/.venv/bin/python -m pip --disable-pip-version-check -q install --constraint $sparkplug/constraints.txt"
    (rm -rf "$sparkplug/.venv" && .venv/bin/python -m venv "$sparkplug/.venv" && $pip pysparkplug &&
        touch "$sparkplug/.venv/.ready") >/dev/null 2>&1 ||
        echo "not installed: pysparkplug; the tests with an outside Sparkplug host are skipped"
}

programs &
node &
sh tools/setup_opentrons.sh &
crate &
sparkplug &
wait
exit 0
