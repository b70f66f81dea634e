"""The published BasicVSR++ networks.

Figures: the authors' own, from the model zoo of MMagic (configs/basicvsr_pp/README.md).
REDS4 is measured over RGB, everything else over the luma. The zoo has none for the
NTIRE 2021 networks; those for deblurring and denoising are in arXiv:2204.05308.
"""

import os
from dataclasses import dataclass

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.torch_reader import digits_in_name

# Where files come from: what to show, and what a file's name is appended to.
ZOO = "https://download.openmmlab.com/mmediting/restorers/basicvsr_plusplus/"
DROPBOX = (
    "the Dropbox folder that github.com/ckkelvinchan/BasicVSR_PlusPlus links, or"
    " https://github.com/HolyWu/vs-basicvsrpp/releases/download/model/"
)
NO_FIGURES = "none in the model zoo"
PAPER = "tables of arXiv:2204.05308"


@dataclass(frozen=True)
class Score:
    """A published figure: PSNR in dB and SSIM on a data set."""

    dataset: str
    psnr: float
    ssim: float


@dataclass(frozen=True)
class Official:
    """A published network.

    Attributes:
      name: short name.
      model: the network.
      file: its file name, which ends in the first eight digits of the file's sha256.
      source: where to get the file.
      trained_for: the degradation that it undoes.
      published: the authors' figures on that degradation.
      figures_in: where they are if they are not here.
    """

    name: str
    model: BasicVSRPlusPlus
    file: str
    source: str
    trained_for: str
    published: tuple[Score, ...] = ()
    figures_in: str = ""

    @property
    def sha256_digits(self) -> str:
        return digits_in_name(self.file)


_UPSCALER = BasicVSRPlusPlus()
_LARGE_UPSCALER = BasicVSRPlusPlus(mid_channels=128, num_blocks=25)
_RESTORER = BasicVSRPlusPlus(num_blocks=15, scale=1)
_LARGE_RESTORER = BasicVSRPlusPlus(mid_channels=128, num_blocks=25, scale=1)

OFFICIAL = (
    Official(
        "reds4",
        _UPSCALER,
        "basicvsr_plusplus_c64n7_8x1_600k_reds4_20210217-db622b2f.pth",
        ZOO,
        "bicubic x4 (BI), sharp camera video (REDS)",
        (Score("REDS4", 32.3855, 0.9069),),
    ),
    Official(
        "vimeo90k_bi",
        _UPSCALER,
        "basicvsr_plusplus_c64n7_8x1_300k_vimeo90k_bi_20210305-4ef437e2.pth",
        ZOO,
        "bicubic x4 (BI), web video (Vimeo-90K)",
        (Score("Vid4", 27.7882, 0.8401), Score("Vimeo-90K-T", 37.7864, 0.9500)),
    ),
    Official(
        "vimeo90k_bd",
        _UPSCALER,
        "basicvsr_plusplus_c64n7_8x1_300k_vimeo90k_bd_20210305-ab315ab1.pth",
        ZOO,
        "blurred and subsampled x4 (BD), web video (Vimeo-90K)",
        (
            Score("UDM10", 40.7216, 0.9722),
            Score("Vid4", 29.0400, 0.8753),
            Score("Vimeo-90K-T", 38.2054, 0.9550),
        ),
    ),
    Official(
        "ntire_vsr",
        _LARGE_UPSCALER,
        "basicvsr_plusplus_c128n25_ntire_vsr_20210311-1ff35292.pth",
        ZOO,
        "bicubic x4, NTIRE 2021 video super-resolution, track 1",
        figures_in=NO_FIGURES,
    ),
    Official(
        "ntire_decompress_track1",
        _LARGE_RESTORER,
        "basicvsr_plusplus_c128n25_ntire_decompress_track1_20210223-7b2eba02.pth",
        ZOO,
        "HEVC compression, NTIRE 2021, track 1 (fixed QP)",
        figures_in=NO_FIGURES,
    ),
    Official(
        "ntire_decompress_track2",
        _LARGE_RESTORER,
        "basicvsr_plusplus_c128n25_ntire_decompress_track2_20210314-eeae05e6.pth",
        ZOO,
        "HEVC compression, NTIRE 2021, track 2 (fixed QP, perceptual)",
        figures_in=NO_FIGURES,
    ),
    Official(
        "ntire_decompress_track3",
        _LARGE_RESTORER,
        "basicvsr_plusplus_c128n25_ntire_decompress_track3_20210304-6daf4a40.pth",
        ZOO,
        "HEVC compression, NTIRE 2021, track 3 (fixed bit rate)",
        figures_in=NO_FIGURES,
    ),
    Official(
        "deblur_dvd",
        _RESTORER,
        "basicvsr_plusplus_deblur_dvd-ecd08b7f.pth",
        DROPBOX,
        "motion blur, hand-held video (DVD)",
        figures_in=PAPER,
    ),
    Official(
        "deblur_gopro",
        _RESTORER,
        "basicvsr_plusplus_deblur_gopro-3c5bb9b5.pth",
        DROPBOX,
        "motion blur, fast cameras (GoPro)",
        figures_in=PAPER,
    ),
    Official(
        "denoise",
        _RESTORER,
        "basicvsr_plusplus_denoise-28f6920c.pth",
        DROPBOX,
        "Gaussian noise of strength 0 to 50 (DAVIS)",
        figures_in=PAPER,
    ),
)


def where_to_get(name: str) -> str:
    """What to do about the name of a published network, which no file has; or "".

    Nothing is downloaded, and a published file in the current directory is not taken
    for its network unless it is named: what a program loads would depend on where it
    is started.
    """
    entry = next((entry for entry in OFFICIAL if entry.name == name), None)
    if entry is None:
        return ""
    if os.path.exists(entry.file):
        return f"is a published network, and its file is here. Name it: {entry.file}."
    return (
        "is a published network, and nothing is downloaded here. Get its file from"
        f" {entry.source}{entry.file}, then give its path here: {entry.file}."
    )
