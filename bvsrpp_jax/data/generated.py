"""Pictures made of nothing, for runs that need no data: shapes, edges and texture.

A virtual camera films them like photographs. They teach a network to sharpen edges and
little else; what they are for is to see in a minute that training works.
"""

import numpy as np

SIDE = 512
NUM_SHAPES = 160
SMALLEST, LARGEST = 4, SIDE / 3  # half sizes of the shapes in pixels
FINEST, COARSEST = 12, 40  # periods of the stripes in pixels


def photographs(count: int, *, seed: int) -> list[np.ndarray]:
    """`count` pictures [512, 512, 3] uint8, the same for the same seed."""
    return [_picture(np.random.default_rng([seed, i])) for i in range(count)]


def _picture(rng: np.random.Generator) -> np.ndarray:
    """Ellipses and bars of all sizes over one another, some of them striped."""
    picture = np.broadcast_to(rng.uniform(0, 255, 3), (SIDE, SIDE, 3)).copy()
    for size in np.geomspace(LARGEST, SMALLEST, NUM_SHAPES):
        along, inside = _shape(size, rng)
        color, is_striped = rng.uniform(0, 255, 3), rng.random() < 0.5
        if is_striped:
            period = rng.uniform(FINEST, COARSEST)
            color = color + 60 * np.sin(2 * np.pi * along[inside] / period)[:, None]
        picture[inside] = color
    return np.clip(picture, 0, 255).astype(np.uint8)


def _shape(size: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pixels along a turned ellipse or bar, and which pixels are in it: [h, w] each."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    centre, angle = rng.uniform(0, SIDE, 2), rng.uniform(0, np.pi)
    x, y = x - centre[0], y - centre[1]
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    u, v = along / size, across / (size * rng.uniform(0.2, 1))
    is_ellipse = rng.random() < 0.5
    inside = u**2 + v**2 < 1 if is_ellipse else np.maximum(abs(u), abs(v)) < 1
    return along, inside
