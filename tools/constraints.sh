#!/bin/sh
# Write constraints.txt anew from .venv: exact versions of all that `make test` installs, and no index address.
set -eu
cd "$(dirname "$0")/.."
{
    echo "# Exact versions of everything both commands install; written by 'make constraints', tested on Python 3.11."
    .venv/bin/python -m pip --disable-pip-version-check freeze --exclude-editable
} >constraints.draft
mv constraints.draft constraints.txt
