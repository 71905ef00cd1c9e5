"""Puts the JSON-LD context of RO-Crate 1.1 into the validator's cache, so that it needs no network: `context.py CACHE`.

Run by tools/setup_tests.sh in the environment beside this file. The context is the one inside the package `rocrate`.
"""

import io
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import requests
import requests_cache
import urllib3

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Packaged(requests.adapters.HTTPAdapter):
    """Answers any request with the packaged context."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = Path(str(distribution("rocrate").locate_file("rocrate/data/ro-crate.jsonld"))).read_bytes()
        headers = {"Content-Type": "application/ld+json"}
        answer = urllib3.HTTPResponse(io.BytesIO(body), headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, answer)


def main(cache: str) -> None:
    """Fill the cache as the validator names it."""
    session = requests_cache.CachedSession(cache, backend="sqlite", expire_after=-1)
    session.mount("https://", Packaged())
    found = session.get(CONTEXT).json()["@id"]
    if found != CONTEXT:
        raise SystemExit(f"the package rocrate holds {found}, not {CONTEXT}: pin 0.13.0")


if __name__ == "__main__":
    main(sys.argv[1])
