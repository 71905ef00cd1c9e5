"""The Python client against a lab that is up: every operation, lost answers, cut connections, refusals."""

import asyncio
import contextlib
import inspect
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from api import models as m
from api.client import AsyncLabClient, LabClient, LabRefused, Table, generate
from api.client.call import Call
from api.http.document import document

ROOT = Path(__file__).resolve().parents[2]
Served = Any  # tests/api/conftest.py
pytestmark = [pytest.mark.xdist_group("api"), pytest.mark.timeout(300)]
SMALL: dict[str, Any] = {
    "document": yaml.safe_load((ROOT / "benchmarks/many/incubation.yaml").read_text()),
    "parameters": {"rest": "1 min"}, "world": "twin",
}  # fmt: skip
READS = {
    "format": "lab-protocol/1", "name": "client", "author": {"kind": "human", "name": "tests"},
    "materials": {"dye": {"cas": "25956-17-6", "concentration": "0.1 mmol/L"}},
    "labware": {"stock": {"type": "reservoir_12", "holds": {"A1": "dye"}}, "plate": {"type": "plate_96_flat"}},
    "steps": [
        {"id": "fill", "do": "transfer", "source": "stock/A1", "to": "plate/A1:A3", "volume": "100 uL"},
        {"id": "read", "do": "measure", "kind": "absorbance", "labware": "plate", "wells": "A1:A3",
         "wavelengths": ["504 nm"]},
    ],
}  # fmt: skip
OPERATIONS = generate.operations(document())


def test_the_clients_that_are_checked_in_are_the_generators() -> None:
    assert generate.FILE.read_text("utf-8") == generate.text(), "run: make schemas"


@pytest.mark.parametrize("client", [LabClient, AsyncLabClient])
def test_every_operation_is_a_method_with_its_types(client: type) -> None:
    assert len(OPERATIONS) > 40
    for operation in OPERATIONS:
        method = getattr(client, operation.name)
        assert inspect.iscoroutinefunction(method) == (client is AsyncLabClient), operation.name
        parameters = inspect.signature(method).parameters
        wanted = {parameter.name for parameter in operation.parameters} | ({"key"} if operation.keyed else set())
        assert parameters.keys() - {"self"} == wanted, operation.name
        assert all(one.annotation is not inspect.Parameter.empty for name, one in parameters.items() if name != "self")
        assert bool(operation.item) == hasattr(client, f"iter_{operation.name}"), operation.name


def test_an_answer_of_a_newer_lab_is_read_and_nonsense_is_told() -> None:
    call = Call("GET", "/healthz", m.Health)
    assert call.read(200, b'{"ok": true, "detail": "", "of tomorrow": 1}') == m.Health(ok=True)
    for status, body, kind, said in (
        (200, b"<html>", "unreadable", "1 things in the answer cannot be read"),
        (502, b"<html>Bad gateway", "http", "HTTP 502, without a reason"),
        (503, b'{"ok": false, "detail": "nobody works in cell-1:twin"}', "http", "nobody works in cell-1:twin"),
        (409, b'{"type": "/problems/conflict", "title": "t", "status": 409, "detail": "over", "new": [1]}', "conflict",
         "over."),
    ):  # fmt: skip
        with pytest.raises(LabRefused) as caught:
            call.read(status, body)
        assert (caught.value.kind, caught.value.status, said in str(caught.value)) == (kind, status, True)


def test_names_of_others_stay_one_part_of_the_path() -> None:
    client = LabClient("http://127.0.0.1:1")
    asked: list[Call[Any]] = []
    client._send = asked.append  # type: ignore[method-assign,assignment]
    client.file("../../auth", "me?x=1#")
    assert asked[0].path == "/api/v1/runs/..%2F..%2Fauth/files/me%3Fx%3D1%23"


class Between:
    """What stands between a client and the lab: it may lose answers, and cut every connection."""

    def __init__(self, url: str) -> None:
        self._to = (urlsplit(url).hostname, urlsplit(url).port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.lose = 0
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                near = self._server.accept()[0]
            except OSError:
                return
            far = socket.create_connection(self._to)
            self._open += [near, far]
            for pair in ((near, far, False), (far, near, True)):
                self._threads.append(threading.Thread(target=self._copy, args=pair))
                self._threads[-1].start()

    def _copy(self, source: socket.socket, to: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(65536):
                if answers and self.lose:
                    self.lose -= 1
                    break
                to.sendall(data)
        except OSError:
            pass
        for one in (source, to):
            _end(one)

    def cut(self) -> None:
        for one in self._open:
            _end(one)

    def close(self) -> None:
        _end(self._server)
        self._server.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)
        for one in self._open:
            one.close()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def between(served: Served) -> Iterator[Between]:
    made = Between(served.url)
    yield made
    made.close()


@pytest.fixture
def lab(served: Served) -> Iterator[Callable[..., LabClient]]:
    """Clients by name, of the lab itself or of what stands between."""
    made: list[LabClient] = []

    def client(name: str, url: str = served.url) -> LabClient:
        made.append(LabClient(url, served.tokens[name]))
        return made[-1]

    yield client
    for one in made:
        one.close()


Lab = Callable[..., LabClient]


def test_a_run_from_submission_to_plate(lab: Lab) -> None:
    client = lab("technician")
    assert client.validate(document=READS).ok
    told = client.submit(document=READS, world="twin")
    run = client.wait(told.run_id, timeout_s=120)
    assert (run.state, run.world, run.by) == ("completed", "twin", "technician"), run
    data = client.data(told.run_id)
    assert isinstance(data, Table)
    assert data.wells("read").keys() == {"A1", "A2", "A3"}
    assert "<svg" in data.plate("read")._repr_html_()
    assert next(client.iter_documents(told.run_id))["name"] == "start"
    assert told.run_id in {run.run_id for run in client.iter_runs()}
    files = {file.name: file.bytes for file in client.files(told.run_id)}
    assert len(client.file(told.run_id, "run.json")) == files["run.json"]


def test_every_look_is_answered_by_its_model(lab: Lab) -> None:
    client = lab("safety_officer")
    run_id = lab("technician").submit(**SMALL).run_id
    approval = lab("explorer").request_approval(**SMALL)
    made = lab("safety_officer").make_token(label="looks", scopes=["read"])
    campaign = lab("technician").propose_campaign(
        points=[SMALL["parameters"]], document=SMALL["document"], world="twin"
    )
    places = {"run_id": run_id, "approval_id": approval.id, "token_id": made.id, "campaign_id": campaign.campaign_id}
    names = {"device": "ot2", "protocol": "dye_calibration", "file": "run.json"}
    client.wait(run_id, timeout_s=120)
    for operation in OPERATIONS:
        if operation.method == "GET":
            given = [places.get(one.name) or names[operation.name] for one in operation.parameters
                     if one.place == "path"]  # fmt: skip
            answer = getattr(client, operation.name)(*given)
            assert answer is not None, operation.name
            if operation.item:
                list(islice(getattr(client, f"iter_{operation.name}")(*given), 3))
    client.revoke_token(made.id)
    assert next(token for token in client.iter_tokens() if token.id == made.id).revoked_at is not None


def test_it_all_works_from_asynchronous_code(served: Served) -> None:
    async def main() -> None:
        async with AsyncLabClient(served.url, served.tokens["technician"]) as client:
            assert client.url in repr(client)
            told = await client.submit(**SMALL)
            kinds = []
            async for event in client.events(after=0):
                if event.run_id == told.run_id:
                    kinds.append(event.kind)
                if kinds[-1:] == ["finished"]:
                    break
            assert kinds[0] == "submitted"
            assert (await client.wait(told.run_id)).state == "completed"
            assert told.run_id in [run.run_id async for run in client.iter_runs()]
            assert (await client.data(told.run_id)).run_id == told.run_id
            held = await client.submit(**SMALL | {"parameters": {"rest": "20 min"}})
            with pytest.raises(TimeoutError):
                await client.wait(held.run_id, timeout_s=0.2)

    asyncio.run(main())


def test_a_submission_whose_answer_was_lost_is_one_run(lab: Lab, between: Between, served: Served) -> None:
    client = lab("technician", between.url)
    before = {run.run_id for run in client.iter_runs()}
    between.lose = 1
    told = client.submit(**SMALL)
    assert between.lose == 0, "the answer was lost"
    other = client.submit(**SMALL)
    served.until(lambda: other.run_id in {run.run_id for run in client.iter_runs()})
    assert {run.run_id for run in client.iter_runs()} - before == {told.run_id, other.run_id}


def test_a_token_whose_answer_was_lost_is_not_made_twice(lab: Lab, between: Between) -> None:
    client = lab("technician", between.url)
    before = len(list(client.iter_tokens()))
    between.lose = 1
    with pytest.raises(LabRefused) as caught:
        client.make_token(label="lost", days=1)
    assert caught.value.kind == "conflict", "it asked again under its key, and was told which one it had made"
    (lost,) = [token for token in client.iter_tokens() if token.label == "lost"]
    assert lost.id in str(caught.value)
    assert len(list(client.iter_tokens())) == before + 1


def test_events_go_on_without_a_gap_when_the_connection_is_cut(lab: Lab, between: Between, served: Served) -> None:
    client = lab("technician", between.url)
    client.submit(**SMALL)
    events = client.events(after=0)
    seen = [next(events).seq for _ in range(5)]
    between.cut()
    seen += [next(events).seq for _ in range(7)]
    events.close()  # type: ignore[attr-defined]
    assert seen == list(range(1, 13))

    async def main() -> list[int]:
        found: list[int] = []
        async with AsyncLabClient(between.url, served.tokens["technician"]) as other:
            async for event in (events := other.events(after=0)):
                found.append(event.seq)
                if len(found) == 5:
                    between.cut()
                if len(found) == 12:
                    break
            await events.aclose()  # type: ignore[attr-defined]
        return found

    assert asyncio.run(main()) == list(range(1, 13))


def test_events_from_now_on(lab: Lab) -> None:
    client = lab("technician")
    newest = client.status().cells
    seq = next(cell.seq for cell in newest if cell.world == "twin")
    found: list[m.Event] = []
    reader = threading.Thread(target=lambda: found.append(next(client.events())))
    reader.start()
    while reader.is_alive():
        lab("technician").submit(**SMALL)
        reader.join(2)
    assert found[0].seq > seq


def test_a_refusal_is_a_sentence_with_its_reasons(served: Served, lab: Lab) -> None:
    bad = {**READS, "steps": [{**READS["steps"][0], "volume": "5000 uL"}]}  # type: ignore[index,dict-item]
    with pytest.raises(LabRefused) as caught:
        lab("technician").submit(document=bad, world="twin")
    error = caught.value
    assert (error.status, error.kind) == (422, "invalid_protocol")
    assert error.problems[0].rule in str(error)
    assert error.problems[0].hint in str(error)
    with pytest.raises(LabRefused) as caught:
        lab("explorer").clear(sites=["hotel.1"])
    assert (caught.value.status, caught.value.kind) == (403, "forbidden")
    with pytest.raises(LabRefused) as caught:
        lab("technician").submit(world="twin")
    assert "give one of" in str(caught.value)
    with LabClient(served.url, "lab_000000000000_secret") as nobody:
        with pytest.raises(LabRefused) as caught:
            nobody.status()
        assert caught.value.kind == "unauthenticated"
        assert "secret" not in f"{caught.value}{caught.value!r}{nobody!r}"
        with pytest.raises(LabRefused) as caught:
            next(nobody.events(after=0))
        assert caught.value.kind == "unauthenticated"


def test_a_lab_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with LabClient(url, "t", patience_s=0) as client:
        for ask in (client.status, lambda: next(client.events(after=0)), lambda: client.make_token(label="x")):
            with pytest.raises(LabRefused) as caught:
                ask()
            assert (caught.value.kind, caught.value.status) == ("unreachable", 0)
            assert str(caught.value).startswith(f"{url} did not answer: ")
    monkeypatch.delenv("LAB_URL", raising=False)
    with pytest.raises(LabRefused, match="set LAB_URL"):
        LabClient()
    monkeypatch.setenv("LAB_URL", f"{url}/")
    with LabClient() as client:
        assert client.url == url
