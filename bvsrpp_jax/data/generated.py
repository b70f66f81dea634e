"""Pictures made of nothing, for runs that need no data: shapes, edges and texture.

A virtual camera films them like photographs. They teach a network to sharpen edges and
little else; what they are for is to see in a minute that training works.
"""

import numpy as np

SIDE = 512
NUM_SHAPES = 160


def photographs(count: int, *, seed: int) -> list[np.ndarray]:
    """`count` pictures [512, 512, 3] uint8, the same for the same seed."""
    return [_picture(np.random.default_rng([seed, i])) for i in range(count)]


def _picture(rng: np.random.Generator) -> np.ndarray:
    """Ellipses and bars of all sizes over one another, some of them striped."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    picture = np.broadcast_to(rng.uniform(0, 255, 3), (SIDE, SIDE, 3)).copy()
    for size in np.geomspace(SIDE / 3, 4, NUM_SHAPES):
        centre = rng.uniform(0, SIDE, 2)
        cos, sin = np.cos(angle := rng.uniform(0, np.pi)), np.sin(angle)
        u = (cos * (x - centre[0]) + sin * (y - centre[1])) / size
        v = (cos * (y - centre[1]) - sin * (x - centre[0])) / (size * rng.uniform(0.2, 1))
        inside = u**2 + v**2 < 1 if rng.random() < 0.5 else np.maximum(abs(u), abs(v)) < 1
        color = rng.uniform(0, 255, 3)
        if rng.random() < 0.5:
            wave = np.sin(2 * np.pi * size * u[inside] / rng.uniform(3, 16))
            picture[inside] = color + 60 * wave[:, None]
        else:
            picture[inside] = color
    return np.clip(picture, 0, 255).astype(np.uint8)
