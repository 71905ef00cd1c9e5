"""The interface with TLS: certificate and key of `[api]`, checked by a client that trusts their authority only."""

import json
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import trustme

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.xdist_group("api")
def test_tls(lab_file: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.cert_chain_pems[0].write_to_path(str(lab_file.parent / "lab.pem"))
    certificate.private_key_pem.write_to_path(str(lab_file.parent / "lab-tls.key"))
    text = lab_file.read_text()
    lab_file.write_text(text.replace("port = 8470", 'port = 0\ncertificate = "lab.pem"\nkey = "lab-tls.key"'))
    command = [sys.executable, "-m", "cli.main", "--json", "--lab", str(lab_file), "serve", "--twin"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("https://")
        url = url.replace("127.0.0.1", "localhost")
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        with httpx.Client(verify=trusting, timeout=30) as client:
            for _ in range(600):
                try:
                    assert client.get(f"{url}/healthz").status_code == 200
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            assert client.get(f"{url}/api/v1/status").status_code == 401
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", timeout=30)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
