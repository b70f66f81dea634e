"""How the papers evaluate: which clips, which input, which frames, which channel.

Sources: the official configurations and test pipelines of BasicVSR++ (arXiv:2104.13371,
Section 4; arXiv:2204.05308 for deblurring and denoising) and mmagic's, which repeats
them. In all of them whole clips are restored, PSNR and SSIM are averaged over the
frames of a clip, then over clips, and no border is left out.
"""

from dataclasses import dataclass

from bvsrpp_jax.data.degrading import Degradations
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import Channel


@dataclass(frozen=True)
class Protocol:
    """How one set is evaluated.

    Attributes:
      title: for people.
      dataset: name in `data.catalogue`: where files lie, which clips there must be.
      split: of that.
      channel: "rgb", or "y" for luma only.
      kernel: how the stored input was made: "bicubic", "blur" (BD), "motion" for
        blurred input of the ground truth's size; None if nothing is known. Input is
        checked for it.
      degradations: how the input is made where none is stored.
      mirrored: every clip is played forward, then backward.
      centre: only a clip's middle frame counts; in a mirrored clip it is restored
        twice, and the mean of both is taken.
      ensemble: how many results are averaged (`restoration.ensemble`).
    """

    title: str
    dataset: str
    split: str = "test"
    channel: Channel = "rgb"
    kernel: str | None = None
    degradations: Degradations = ()
    mirrored: bool = False
    centre: bool = False
    ensemble: int = 1


NOISE_LEVEL = 50.0  # standard deviation in 8-bit levels, of the official validation

PROTOCOLS = {
    "reds4": Protocol("REDS4, bicubic x4", "reds", kernel="bicubic"),
    "udm10": Protocol("UDM10, blur x4", "udm10", channel="y", kernel="blur"),
    "vid4_bi": Protocol("Vid4, bicubic x4", "vid4_bi", channel="y", kernel="bicubic"),
    "vid4_bd": Protocol("Vid4, blur x4", "vid4_bd", channel="y", kernel="blur"),
    "vimeo90k_bi": Protocol(
        "Vimeo-90K-T, bicubic x4",
        "vimeo90k_bi",
        channel="y",
        kernel="bicubic",
        mirrored=True,
        centre=True,
    ),
    "vimeo90k_bd": Protocol(
        "Vimeo-90K-T, blur x4",
        "vimeo90k_bd",
        channel="y",
        kernel="blur",
        mirrored=True,
        centre=True,
    ),
    "ntire_vsr": Protocol(
        "NTIRE 2021 video super-resolution: REDS4, bicubic x4, mirrored, ensemble",
        "reds",
        kernel="bicubic",
        mirrored=True,
        ensemble=8,
    ),
    "dvd": Protocol("DVD, deblurring", "dvd", kernel="motion"),
    "gopro": Protocol("GoPro, deblurring", "gopro", kernel="motion"),
    "set8": Protocol(
        f"Set8, noise of standard deviation {NOISE_LEVEL:g}",
        "set8",
        degradations=(("noise", {"sigma": (NOISE_LEVEL, NOISE_LEVEL)}),),
    ),
    # Sets of one's own.
    "folder": Protocol("clips of a folder", "folder"),
    "pair": Protocol("clips of two folders, or two videos", "pair"),
    "prepared": Protocol(
        "prepared clips, bicubic",
        "prepared",
        split="validation",
        channel="y",
        degradations=("bicubic",),
    ),
    "generated": Protocol(
        "a generated clip, bicubic",
        "generated",
        channel="y",
        degradations=("bicubic",),
    ),
}


def find_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
      InputError: there is none.
    """
    if name not in PROTOCOLS:
        raise InputError(
            f"protocol: {name!r} is not known. Choose one of {', '.join(PROTOCOLS)}."
        )
    return PROTOCOLS[name]
