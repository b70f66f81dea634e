"""TFDS builders of the video data sets, which TFDS itself does not have.

    builder = Reds(data_dir="/data/tfds", config="pairs_tiles", processes=8)
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir="/data/REDS")
    )

`python -m bvsrpp_jax.data.prepare` does the same. They are not in TFDS' registry, whose
DAVIS is another one.
"""

from bvsrpp_jax.data.frames_builder import FramesBuilder


class Reds(FramesBuilder, skip_registration=True):
    """REDS: 266 clips to train on, REDS4 to test."""

    layout = name = "reds"


class Vimeo90k(FramesBuilder, skip_registration=True):
    """Vimeo-90K septuplets, truth alone."""

    layout = name = "vimeo90k"


class Vimeo90kBi(FramesBuilder, skip_registration=True):
    """Vimeo-90K septuplets with bicubic input."""

    layout = name = "vimeo90k_bi"


class Vimeo90kBd(FramesBuilder, skip_registration=True):
    """Vimeo-90K septuplets with blurred and subsampled input."""

    layout = name = "vimeo90k_bd"


class Vid4(FramesBuilder, skip_registration=True):
    """Vid4, truth alone."""

    layout = name = "vid4"


class Vid4Bi(FramesBuilder, skip_registration=True):
    """Vid4 with bicubic input."""

    layout = name = "vid4_bi"


class Vid4Bd(FramesBuilder, skip_registration=True):
    """Vid4 with blurred and subsampled input."""

    layout = name = "vid4_bd"


class Udm10(FramesBuilder, skip_registration=True):
    """UDM10 with blurred and subsampled input."""

    layout = name = "udm10"


class Dvd(FramesBuilder, skip_registration=True):
    """DeepVideoDeblurring: blurred and sharp."""

    layout = name = "dvd"


class Gopro(FramesBuilder, skip_registration=True):
    """GoPro: blurred and sharp."""

    layout = name = "gopro"


class Davis(FramesBuilder, skip_registration=True):
    """DAVIS at 480p: clean frames."""

    layout = name = "davis"


class Set8(FramesBuilder, skip_registration=True):
    """Set8: clean frames to test denoising on."""

    layout = name = "set8"


class Folder(FramesBuilder, skip_registration=True):
    """Any folder of clips."""

    layout = name = "folder"


BUILDERS = {
    builder.layout: builder
    for builder in (
        *(Reds, Vimeo90k, Vimeo90kBi, Vimeo90kBd, Vid4, Vid4Bi, Vid4Bd, Udm10),
        *(Dvd, Gopro, Davis, Set8, Folder),
    )
}
