#!/bin/sh
# The environment in which `lab import` analyses Python protocols: opentrons wants other versions than ours.
set -u
cd "$(dirname "$0")/.."

inside=.venv/opentrons
constraints=protocols/importers/opentrons/python/constraints.txt
if [ ! -f "$inside/.ready" ] || [ "$constraints" -nt "$inside/.ready" ]; then
    pip="$inside/bin/python -m pip --disable-pip-version-check -q install --constraint $constraints"
    (rm -rf "$inside" && .venv/bin/python -m venv "$inside" && $pip opentrons landlock pyseccomp &&
        touch "$inside/.ready") >/dev/null 2>&1 ||
        echo "not installed: opentrons in $inside; Python protocols of Opentrons are not imported, their tests skipped"
fi
exit 0
