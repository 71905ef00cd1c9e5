"""Every `lab` command in README and docs is run as it stands; what each line may do is said in its comment."""

import re
import shutil
from pathlib import Path

import pytest

from cli.main import VERBS, main
from protocols.schema import reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINE = re.compile(r"^\$ (?P<command>[^#]+?)(?:  # (?P<note>.*))?$", re.MULTILINE)


def commands(page: Path) -> list[tuple[list[str], str]]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    found = [(match["command"], match["note"] or "") for block in blocks for match in _LINE.finditer(block)]
    return [([part.strip('"') for part in re.findall(r'[^\s"]*"[^"]*"|\S+', line)], note) for line, note in found]


def clean(part: str) -> str:
    return part.replace('"', "")


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "protocols").symlink_to(ROOT / "protocols")
    shutil.copy(ROOT / "lab.toml", tmp_path / "lab.toml")
    for words, note in commands(page):
        program, arguments = words[0], [clean(word) for word in words[1:]]
        if program == "make":
            assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        elif program == "cp":
            shutil.copy(*arguments)
        elif program == "python" or note in ("until Ctrl-C", "at the bench"):
            assert arguments  # run elsewhere: tests/cli/test_twin_serve.py, hardware_tests
        else:
            assert program == "lab", words
            if any(word.startswith("FILE") or word.endswith(".json") for word in arguments):
                continue  # an example of somebody's own file
            with pytest.raises(SystemExit) as caught:
                main(arguments)
            expected = int(note.removeprefix("exit ")) if note.startswith("exit ") else 0
            assert caught.value.code == expected, words


def test_the_reference_page_is_of_the_models() -> None:
    assert reference.FILE.read_text("utf-8") == reference.text(), "run: make schemas"


def test_every_verb_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z].*?) \|", page.replace(r"\|", "/"), re.MULTILINE)
    told = {words.split()[0] for row in rows for words in re.findall(r"`([^`]+)`", row)}
    assert told == set(VERBS)


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"
