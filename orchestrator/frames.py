"""The images of a run: a file of numpy's each, in its folder, and the documents of Bluesky that refer to them.

A file is whole or not there. Source of the documents' shape: event-model, `stream_resource` and `stream_datum`; the way
a series of files is named is the one that Tiled's consolidators read ("multipart/related", `template`).
"""

import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

FOLDER = "images"
MIMETYPE = "multipart/related;type=application/x-npy"


@dataclass(frozen=True, slots=True)
class Series:
    """The images of one device at one step of a run, and the folder that has them."""

    uid: str
    folder: Path
    stem: str  # of the files' names
    key: str  # of Bluesky's data

    def file(self, index: int) -> Path:
        """Where one of them is."""
        return self.folder / f"{self.stem}_{index}.npy"


@dataclass(frozen=True, slots=True)
class Frame:
    """One image that is on the disk."""

    series: Series
    index: int
    shape: tuple[int, ...]
    dtype: str  # numpy's name, with the order of bytes

    def describe(self) -> dict[str, Any]:
        """Its key among a descriptor's data keys."""
        return {
            "source": f"lab:{self.series.stem}", "dtype": "array", "shape": [1, *self.shape], "dtype_numpy": self.dtype,
            "units": "counts", "external": "STREAM:",
        }  # fmt: skip


class Frames:
    """Keeps the images of one run; a new worker goes on where the last one ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._series: dict[tuple[str, str], Series] = {}
        self._told: set[str] = set()  # series of which a document was made

    def add(self, step: str, device: str, image: Any) -> Frame:
        """Write an image, durable when this returns; blocks. Raises `OSError`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{quote(step, safe='')}-{device}"
        series = self._series.setdefault(
            (step, device), Series(str(uuid.uuid4()), self._folder, stem, f"{device}_image")
        )
        pixels = np.ascontiguousarray(image)
        index = 1 + max(
            (int(found[1]) for name in os.listdir(self._folder) if (found := _named(stem, name))), default=-1
        )
        _write_whole(series.file(index), pixels)
        return Frame(series, index, pixels.shape, pixels.dtype.str)

    def documents(self, frame: Frame) -> Iterator[tuple[str, dict[str, Any]]]:
        """What refers to an image: once its series, then itself; Bluesky adds the run, the descriptor and the event."""
        series = frame.series
        if series.uid not in self._told:
            self._told.add(series.uid)
            parameters = {"template": f"{series.stem}_{{:d}}.npy", "chunk_shape": [1, *frame.shape]}
            yield "stream_resource", {
                "uid": series.uid, "data_key": series.key, "mimetype": MIMETYPE, "parameters": parameters,
                "uri": f"file://localhost{quote(str(series.folder.resolve()))}/",
            }  # fmt: skip
        yield "stream_datum", {
            "uid": f"{series.uid}/{frame.index}", "stream_resource": series.uid, "descriptor": "",
            "indices": {"start": frame.index, "stop": frame.index + 1}, "seq_nums": {"start": 0, "stop": 0},
        }  # fmt: skip


def files_of(resource: dict[str, Any], datum: dict[str, Any], run: Path) -> list[Path]:
    """The files that a datum refers to, in a run's folder or a copy of it; its path on the lab's machine is not asked.

    >>> resource = {"parameters": {"template": "look-camera_{:d}.npy"}}
    >>> [file.as_posix() for file in files_of(resource, {"indices": {"start": 2, "stop": 3}}, Path("run"))]
    ['run/images/look-camera_2.npy']
    """
    template: str = resource["parameters"]["template"]
    numbers = range(datum["indices"]["start"], datum["indices"]["stop"])
    return [run / FOLDER / template.replace("{:d}", str(number)) for number in numbers]


def _named(stem: str, name: str) -> "re.Match[str] | None":
    return re.fullmatch(rf"{re.escape(stem)}_(\d+)\.npy", name)


def _write_whole(path: Path, pixels: Any) -> None:
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        np.save(file, pixels, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
