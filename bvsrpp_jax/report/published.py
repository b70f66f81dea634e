"""Figures that others have published, as data with their sources.

BasicVSR++: all 18 cells of the authors' table, three trained networks on six sets, from
mmagic (configs/basicvsr_pp/metafile.yml, in the table since August 2021). Others: the
comparison in IART's README unless it says otherwise. All of them round frames to 8
bits, leave out no border, and take the mean over frames, then over clips.
"""

from decimal import Decimal
from typing import NamedTuple

from bvsrpp_jax.evaluation.metrics import Channel

METAFILE = "mmagic, configs/basicvsr_pp/metafile.yml"
BASICVSR = "mmagic, configs/basicvsr/README.md"
PADDLE = "PaddleGAN, docs/en_US/tutorials/video_super_resolution.md"
IART = "IART, README.md (github.com/kai422/IART)"

# REDS4 is measured over RGB, everything else over luma.
CHANNELS: dict[str, Channel] = {
    "reds4": "rgb",
    "udm10": "y",
    "vid4_bi": "y",
    "vid4_bd": "y",
    "vimeo90k_bi": "y",
    "vimeo90k_bd": "y",
}


class Published(NamedTuple):
    """One published figure.

    Attributes:
      protocol: key of the evaluation's protocol.
      method: what was evaluated.
      psnr, ssim: with the digits that were published; PSNR in dB.
      source: where it stands.
      trained_on: of BasicVSR++: the data of the authors' weights, a key of `WEIGHTS`.
    """

    protocol: str
    method: str
    psnr: Decimal
    ssim: Decimal
    source: str
    trained_on: str = ""

    @property
    def channel(self) -> Channel:
        return CHANNELS[self.protocol]


# Which data -> its name, and the first digits of the SHA-256 of the weights' file.
WEIGHTS = {
    "reds": ("REDS", "db622b2f"),
    "vimeo90k_bi": ("Vimeo-90K BI", "4ef437e2"),
    "vimeo90k_bd": ("Vimeo-90K BD", "ab315ab1"),
}

# PSNR/SSIM: a row for each protocol, a column for each of the weights.
_MATRIX = """
            reds            vimeo90k_bi     vimeo90k_bd
reds4       32.3855/0.9069  31.0126/0.8804  29.2041/0.8528
udm10       34.6868/0.9417  33.1211/0.9270  40.7216/0.9722
vid4_bi     27.7674/0.8444  27.7882/0.8401  26.4377/0.8074
vid4_bd     24.6209/0.7540  23.6086/0.7033  29.0400/0.8753
vimeo90k_bi 36.4445/0.9411  37.7864/0.9500  34.7248/0.9351
vimeo90k_bd 34.0372/0.9244  33.8972/0.9195  38.2054/0.9550
"""

_OTHERS = (
    ("reds4", "BasicVSR", "31.4170/0.8909", BASICVSR),
    ("reds4", "BasicVSR++ (PaddleGAN, trained anew)", "32.4018/0.9071", PADDLE),
    ("reds4", "PP-MSVSR-L", "32.53/0.9083", PADDLE),
    ("reds4", "VRT", "32.19/0.9006", IART),
    ("reds4", "RVRT", "32.75/0.9113", IART),
    ("reds4", "PSRT-recurrent", "32.72/0.9106", IART),
    ("reds4", "IART", "32.90/0.9138", IART),
    ("vimeo90k_bi", "VRT", "38.20/0.9530", IART),
    ("vimeo90k_bi", "RVRT", "38.15/0.9527", IART),
    ("vimeo90k_bi", "PSRT-recurrent", "38.27/0.9536", IART),
    ("vimeo90k_bi", "IART", "38.14/0.9528", IART),
    ("vid4_bi", "VRT", "27.93/0.8425", IART),
    ("vid4_bi", "RVRT", "27.99/0.8462", IART),
    ("vid4_bi", "PSRT-recurrent", "28.07/0.8485", IART),
    ("vid4_bi", "IART", "28.26/0.8517", IART),
)


def _figures(text: str) -> tuple[Decimal, Decimal]:
    psnr, ssim = map(Decimal, text.split("/"))
    return psnr, ssim


def _matrix() -> tuple[Published, ...]:
    weights, *rows = map(str.split, _MATRIX.strip().splitlines())
    return tuple(
        Published(
            protocol,
            f"BasicVSR++, {WEIGHTS[trained_on][0]}",
            *_figures(cell),
            METAFILE,
            trained_on,
        )
        for protocol, *cells in rows
        for trained_on, cell in zip(weights, cells, strict=True)
    )


MATRIX = _matrix()
PUBLISHED = MATRIX + tuple(
    Published(protocol, method, *_figures(figures), source)
    for protocol, method, figures, source in _OTHERS
)


def published_for(protocol: str) -> tuple[Published, ...]:
    """The figures of one protocol, best PSNR first; none where none are known."""
    found = (row for row in PUBLISHED if row.protocol == protocol)
    return tuple(sorted(found, key=lambda row: row.psnr, reverse=True))
