"""The line map against documents that are written here, so that every line is known."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labfile.lines import KeyPath, dotted, line_map, syntax_error

TRICKY_KEYS = ["a.b", "c # d", "[e]", "f = g", "h'i", 'j"k', "l\\m", "", " ", "é", "1", "2.5", "n\to", "true"]
TRICKY_TEXT = [
    "",
    "x",
    "# no comment",
    "[table]",
    "k = 1",
    "]]",
    "'''",
    '"""',
    "back\\slash",
    "ü",
    "\u2028",
    "\x85",
]

keys = st.sampled_from(["a", "b", "c", "d-e", "F_1", *TRICKY_KEYS])
text_values = st.lists(st.sampled_from(TRICKY_TEXT), max_size=4).map("\n".join)
scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False), text_values)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


class Section(dict[str, Any]):
    """A table with a style: header, late (its header after its children), implied (none) or dotted keys."""

    style = "header"


def sections(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Section]:
    """Tables that hold values, tables and arrays of tables."""

    def make(content: dict[str, Any], style: str) -> Section:
        section = Section(content)
        section.style = style
        return section

    styles = st.sampled_from(["header", "late", "implied", "dotted"])
    return st.builds(make, st.dictionaries(keys, children, max_size=4), styles)


def nodes(depth: int) -> st.SearchStrategy[Any]:
    """Values, and down to a depth tables and arrays of tables."""
    if depth == 0:
        return values
    inner = sections(nodes(depth - 1))
    return values | inner | inner | st.lists(inner, min_size=1, max_size=3)


trees = sections(nodes(3))


def is_sections(node: Any) -> bool:
    return isinstance(node, list) and bool(node) and all(isinstance(item, Section) for item in node)


class Writer:
    """Writes a tree as TOML and notes the line of each key as it goes; `draw` decides the layout."""

    def __init__(self, draw: Any) -> None:
        self.lines: list[str] = []
        self.expected: dict[KeyPath, int] = {}
        self.draw = draw

    def choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def key(self, key: str) -> str:
        literal = [f"'{key}'"] if not re.search(r"['\x00-\x08\x0a-\x1f]", key) else []
        bare = [key] if re.fullmatch(r"[A-Za-z0-9_-]+", key) else []
        return str(self.choose(*bare, *literal, json.dumps(key), json.dumps(key, ensure_ascii=False)))

    def name(self, path: KeyPath) -> str:
        return str(self.choose(".", " . ")).join(self.key(key) for key in path if isinstance(key, str))

    def value(self, value: Any, inline: bool = False) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            if inline or self.choose(True, False):
                return json.dumps(value)
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"""{self.choose("", chr(10))}{escaped}"""' if not value.startswith("\n") else f'"""\n{escaped}"""'
        if isinstance(value, list):
            gap = "" if inline else self.choose("", "\n", '\n  # ] "\n')
            return f"[{gap}" + f",{gap} ".join(self.value(item, inline) for item in value) + f"{gap}]"
        if isinstance(value, dict):
            inside = ", ".join(f"{self.key(key)} = {self.value(item, inline)}" for key, item in value.items())
            return f"{{ {inside} }}"
        return repr(value)

    def noise(self) -> None:
        self.lines += self.choose([], [""], ["# [not.a.table]"], ["  # x = '''"], ["", "\t"])

    def put(self, statement: str) -> int:
        self.noise()
        first = len(self.lines) + 1
        comment = self.choose("", " # [c]", '\t# """')
        self.lines += f"{self.choose('', '  ')}{statement}{comment}".split("\n")
        return first

    def mention(self, path: KeyPath, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.expected.setdefault(path[:length], line)

    def body(self, section: Section, path: KeyPath, prefix: KeyPath = ()) -> None:
        """The values of a section, and those of its dotted sections, below its header."""
        for key, node in section.items():
            if isinstance(node, Section):
                if node.style == "dotted" and plain(node):
                    self.body(node, path, (*prefix, key))
            elif not is_sections(node):
                line = self.put(f"{self.name((*prefix, key))} = {self.value(node)}")
                self.mention((*path, *prefix, key), line)
                for inner in inside(node):
                    self.expected[(*path, *prefix, key, *inner)] = line

    def children(self, section: Section, path: KeyPath) -> None:
        """The sections and arrays of sections in a section, each under its own header."""
        for key, node in section.items():
            if is_sections(node):
                for index, item in enumerate(node):
                    line = self.put(f"[[{self.name((*path, key))}]]")
                    self.mention((*path, key, index), line)
                    self.body(item, (*path, key, index))
                    self.children(item, (*path, key, index))
            elif isinstance(node, Section) and not (node.style == "dotted" and plain(node)):
                self.section(node, (*path, key))

    def section(self, section: Section, path: KeyPath) -> None:
        values_here = any(not is_sections(node) and not isinstance(node, Section) for node in section.values())
        dotted_here = any(
            isinstance(node, Section) and node.style == "dotted" and plain(node) for node in section.values()
        )
        own_header = values_here or dotted_here or section.style != "implied" or not section
        late = section.style == "late"
        if late:
            self.children(section, path)
        if own_header:
            line = self.put(f"[{self.name(path)}]")
            self.mention(path, line)
            self.expected[path] = line
            self.body(section, path)
        if not late:
            self.children(section, path)


def plain(section: Section) -> bool:
    """Whether a section can be written with dotted keys alone: it holds values, and at least one."""
    return bool(section) and all(
        plain(node) and node.style == "dotted" if isinstance(node, Section) else not is_sections(node)
        for node in section.values()
    )


def inside(value: Any) -> Iterator[KeyPath]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (key,)
        yield from ((key, *rest) for rest in inside(inner))


@given(trees, st.data())
def test_every_key_has_its_line_and_nothing_else_has_one(tree: Section, data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.body(tree, ())
    writer.children(tree, ())
    text = data.draw(st.sampled_from(["\n", "\r\n"])).join(writer.lines)
    document = tomllib.loads(text)
    assert document == tree, "the test's own writer"
    assert line_map(text) == writer.expected
    assert set(line_map(text)) == set(inside(document))


def test_line_map_by_example() -> None:
    text = '''schema = 1
note = """
[devices.fake]
driver = "no"
"""
[devices.arm.limits]
speed = [
  "1 mm/s",  # lower
  "2 mm/s"]

[devices."a.b"]
budget = { runs = 4, hours = [1, 2] }
[devices.arm]
[[log]]
x.y = 1
[[log]]
[log.z]
'''
    assert line_map(text) == {
        ("schema",): 1,
        ("note",): 2,
        ("devices",): 6,
        ("devices", "arm"): 13,
        ("devices", "arm", "limits"): 6,
        ("devices", "arm", "limits", "speed"): 7,
        ("devices", "arm", "limits", "speed", 0): 7,
        ("devices", "arm", "limits", "speed", 1): 7,
        ("devices", "a.b"): 11,
        ("devices", "a.b", "budget"): 12,
        ("devices", "a.b", "budget", "runs"): 12,
        ("devices", "a.b", "budget", "hours"): 12,
        ("devices", "a.b", "budget", "hours", 0): 12,
        ("devices", "a.b", "budget", "hours", 1): 12,
        ("log",): 14,
        ("log", 0): 14,
        ("log", 0, "x"): 15,
        ("log", 0, "x", "y"): 15,
        ("log", 1): 16,
        ("log", 1, "z"): 17,
    }


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb =\nc = 2\n", 2, "Invalid value"),
        ("a = 1\nb = [1,\n2\n\n[c]\nd = 1\n", 2, "Unclosed array"),
        ('a = 1\nb = """x\n\ny\n', 2, "Unterminated string"),
        ("a = 1\n\na = 2", 3, "Cannot overwrite a value"),
        ("a = 1\n\na = 2\n\n\n", 3, "Cannot overwrite a value"),
        ("[a]\n[b\n", 2, "Expected ']' at the end of a table declaration"),
    ],
)
def test_a_syntax_error_stands_on_its_own_line(text: str, line: int, message: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert syntax_error(text, caught.value)[:2] == (line, message)


def test_paths_are_written_as_in_toml() -> None:
    assert dotted(("devices", "arm", "real")) == "devices.arm.real"
    assert dotted(("people", "a b", "may", 2)) == 'people."a b".may[2]'
    assert dotted(()) == ""
