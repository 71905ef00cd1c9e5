"""What the process variables of an areaDetector are called, and what an image says.

Names: EPICS areaDetector (ADCore), documentation of ADDriver and NDPluginStdArrays. `Acquire` is 1 while it exposes,
`ArrayCounter_RBV` of the plug-in counts the images that came to it (those of the driver it may still have to take up),
`ArrayData` is the newest one, row after row.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

SINGLE = 0  # ImageMode


def names(prefix: str, camera: str, image: str) -> Mapping[str, str]:
    """What we ask, by what we call it.

    >>> names("LAB:AD", ":cam1:", ":image1:")["acquire"]
    'LAB:AD:cam1:Acquire'
    """
    camera, image = prefix + camera, prefix + image
    return {
        "acquire": f"{camera}Acquire", "exposure": f"{camera}AcquireTime", "images": f"{camera}NumImages",
        "mode": f"{camera}ImageMode", "counter": f"{image}ArrayCounter_RBV", "width": f"{camera}ArraySizeX_RBV",
        "height": f"{camera}ArraySizeY_RBV", "data": f"{image}ArrayData",
    }  # fmt: skip


def framed(data: Any, width: int, height: int) -> Any:
    """The image as rows of pixels; raises `ValueError` where the array is smaller than the sizes say.

    >>> framed([1, 2, 3, 4, 0, 0], 2, 2).tolist()
    [[1, 2], [3, 4]]
    """
    pixels = np.asarray(data).ravel()
    if width < 1 or height < 1 or len(pixels) < width * height:
        raise ValueError(f"{len(pixels)} pixels are no image of {width} x {height}")
    return pixels[: width * height].reshape(height, width)


def doubt(image: Any, full: float, full_share: float) -> str:
    """Why an image is not to be believed; empty where nothing speaks against it.

    >>> doubt(np.zeros((2, 2)), 65535, 0.01)
    'every pixel is 0'
    """
    if not np.isfinite(image).all():
        return "it tells no numbers"
    if not image.any():
        return "every pixel is 0"
    share = float((image >= full).mean())
    return f"{share:.0%} of its pixels are full" if share > full_share else ""
