"""Secrets: named in the lab file, read at use, and never in a message, a lab or its hash."""

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from labfile import LabFileError, check, read
from labfile.plugins import Driver
from labfile.secret import SecretMissing, resolve

Write = Callable[[str | bytes], Path]
Drivers = Mapping[str, Driver]
SECRET = "hunter2-in-plain"
REFERENCES = '\npassword = "env:LAB_BROKER_PASSWORD"\n[storage.hotel]'


def test_a_named_secret_is_read_only_at_use(
    write: Write, good: str, drivers: Drivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://lab:{SECRET}@db.lab.example/lab"
    monkeypatch.setenv("LAB_STORE_URL", url)
    monkeypatch.setenv("LAB_BROKER_PASSWORD", SECRET)
    path = write(good.replace("[storage.hotel]", REFERENCES) + '[store]\nurl = "env:LAB_STORE_URL"\n')
    assert check(path, drivers) == []
    lab = read(path, drivers)
    assert resolve(lab.store.url) == url
    assert resolve(lab.devices["sensor"].options.password) == SECRET  # type: ignore[attr-defined]
    assert SECRET not in repr(lab)
    monkeypatch.delenv("LAB_STORE_URL")
    assert read(path, drivers).config_hash == lab.config_hash
    with pytest.raises(SecretMissing, match="LAB_STORE_URL is not set"):
        resolve(lab.store.url)


def test_a_plain_value_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "value")
    assert [resolve(text) for text in ("sqlite:///x", "env:", "env:a b", "env:X")] == [
        "sqlite:///x",
        "env:",
        "env:a b",
        "value",
    ]


# A secret written out where it does not belong, and the key whose line must say so.
LEAKS = {
    "store.url": f'[store]\nurl = "postgresql://lab:{SECRET}@db.lab.example/lab"\n',
    "devices.x.real": f'[devices.x]\ndriver = "fake.arm"\nreal = "tcp://u:{SECRET}@h:1"\ntwin = "sim:"\n',
    "devices.x.twin": f'[devices.x]\ndriver = "fake.arm"\nreal = "tcp://h:1"\ntwin = "{SECRET}"\n',
    "devices.x.password": (
        f'[devices.x]\ndriver = "fake.sensor"\nreal = "mqtt://h"\ntwin = "sim:"\npassword = "{SECRET}"\n'
    ),
    "devices.x.pasword": (
        f'[devices.x]\ndriver = "fake.sensor"\nreal = "mqtt://h"\ntwin = "sim:"\npasword = "{SECRET}"\n'
    ),
    "devices.x.driver": f'[devices.x]\ndriver = "{SECRET}"\nreal = "mqtt://h"\ntwin = "sim:"\n',
    "policy.unknown_material": f'[policy]\nunknown_material = "{SECRET}"\n',
    "compute.token": f'[compute]\ntoken = "{SECRET}"\n',
}


@pytest.mark.parametrize("key", LEAKS)
def test_a_secret_written_out_is_refused_and_not_repeated(key: str, write: Write, good: str, drivers: Drivers) -> None:
    path = write(good + LEAKS[key])
    assert [problem.path for problem in check(path, drivers)] == [key]
    with pytest.raises(LabFileError) as caught:
        read(path, drivers)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(caught.value.problems)
