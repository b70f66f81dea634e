"""High dynamic range: what a clip says of the screen and light it was made for.

Tags of colour are `color`'s; here is the rest of HDR10, SMPTE ST 2086 (the mastering
display) and CTA-861.3 (light levels). FFmpeg hands it out with every decoded frame as
its structs AVMasteringDisplayMetadata and AVContentLightMetadata. It goes back in as
settings of those encoders that write it into the video itself.
"""

import struct
import warnings
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.color import UNSPECIFIED

_TRANSFERS = {16: "PQ", 18: "HLG"}  # H.273
_DYNAMIC = {
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
}


class Light(NamedTuple):
    """Static HDR metadata.

    Attributes:
      display: x and y of red, green, blue and white in CIE 1931, then the least and the
        greatest luminance in candela per square metre; None when not said.
      levels: the brightest pixel and the brightest frame's mean, candela per square
        metre; None when not said.
    """

    display: tuple[Fraction, ...] | None = None
    levels: tuple[int, int] | None = None


def light_of(frame: av.VideoFrame, path: Path) -> Light:
    """Reads what a decoded frame carries; warns of dynamic metadata, which is dropped.

    Raises:
      InputError: Dolby Vision whose colours mean nothing without its metadata.
    """
    data = frame.side_data
    dynamic = sorted(
        {name for kind, name in _DYNAMIC.items() if data.get(kind) is not None}
    )
    if "Dolby Vision" in dynamic and int(frame.color_trc) == UNSPECIFIED:
        raise InputError(
            f"{path}: is Dolby Vision without a base that other players show. Convert"
            " the clip to HDR10 first."
        )
    if dynamic:
        warnings.warn(
            f"{path}: its {' and '.join(dynamic)} metadata is dropped", stacklevel=2
        )
    display = data.get("MASTERING_DISPLAY_METADATA")
    levels = data.get("CONTENT_LIGHT_LEVEL")
    return Light(
        None if display is None else _display(bytes(display)),
        None if levels is None else struct.unpack_from("=2I", bytes(levels)),
    )


def light_options(codec: str, light: Light) -> dict[str, str]:
    """Options that make an encoder write the metadata; none for those that cannot."""
    if codec not in _SPELLINGS:
        return {}
    option, display, levels, spell = _SPELLINGS[codec]
    settings = []
    if light.display is not None:
        settings.append(f"{display}={spell(light.display)}")
    if light.levels is not None:
        settings.append("{}={},{}".format(levels, *light.levels))
    return {option: ":".join(settings)} if settings else {}


def caution(name: str, transfer: int, light: Light, codec: str | None) -> None:
    """Warns that a clip is HDR, and of what its output will lack.

    Args:
      name: of the input.
      transfer: code point of its transfer function.
      light: its metadata.
      codec: the output's encoder, None for pictures.
    """
    if transfer not in _TRANSFERS:
        return
    kept = "its tags are kept"
    if codec is None:
        kept = "pictures do not say so"
    elif light != Light() and not light_options(codec, light):
        kept += f", without the mastering display, which {codec} cannot write"
    warnings.warn(
        f"{name}: is HDR ({_TRANSFERS[transfer]}): {kept}. The networks were trained on"
        " ordinary video, so look at the result",
        stacklevel=3,
    )


def _display(data: bytes) -> tuple[Fraction, ...] | None:
    """Ten rationals and whether primaries and luminance are there."""
    *terms, has_primaries, has_luminance = struct.unpack_from("=22i", data)
    if not (has_primaries and has_luminance and all(terms[1::2])):
        return None
    return tuple(map(Fraction, terms[::2], terms[1::2]))


def _in_units(display: tuple[Fraction, ...]) -> str:
    """As x264 and x265 want it: 1/50000 of chromaticity, 1/10000 of luminance."""
    points = [round(50000 * value) for value in display[:8]]
    return _spelled(points, [round(10000 * value) for value in display[8:]])


def _in_decimals(display: tuple[Fraction, ...]) -> str:
    numbers = [f"{float(value):.6g}" for value in display]
    return _spelled(numbers[:8], numbers[8:])


def _spelled(points: list, luminance: list) -> str:
    pairs = zip(points[::2], points[1::2], strict=True)
    red, green, blue, white = (f"({x},{y})" for x, y in pairs)
    least, greatest = luminance
    return f"G{green}B{blue}R{red}WP{white}L({greatest},{least})"


# Encoder -> (FFmpeg's option for its own settings, their names, how they are spelled).
_SPELLINGS = {
    "libx264": ("x264-params", "mastering-display", "cll", _in_units),
    "libx265": ("x265-params", "master-display", "max-cll", _in_units),
    "libsvtav1": (
        "svtav1-params",
        "mastering-display",
        "content-light",
        _in_decimals,
    ),
}
