"""What FFmpeg, which comes with PyAV, can read and write."""

from collections.abc import Iterator

from bvsrpp_jax.doctor.facts import Fact, cause_of

# What a video is in -> decoders, the first of which is taken. FFmpeg's own "av1" is not
# among them: it works with a graphics card's help alone.
DECODERS = {
    "h264": ("h264",),
    "hevc": ("hevc",),
    "vp9": ("vp9", "libvpx-vp9"),
    "av1": ("libdav1d", "libaom-av1"),
    "mpeg2video": ("mpeg2video",),
    "prores": ("prores",),
    "ffv1": ("ffv1",),
}
_OTHER_ENCODERS = ("ffv1",)
_REMEDY = "Run pip install --force-reinstall --only-binary :all: av, which has it"


def codecs() -> Iterator[Fact]:
    """FFmpeg's libraries, encoders and decoders."""
    try:
        import av
    except Exception as error:  # a shared library is missing, for one
        problem = f"It does not start: {cause_of(error)}"
        yield Fact("ffmpeg", "none", problem, _REMEDY, broken=True)
        return
    libraries = ", ".join(
        f"{name} {'.'.join(map(str, version))}"
        for name, version in av.library_versions.items()
        if name in ("libavcodec", "libavformat")
    )
    yield Fact("ffmpeg", f"{av.ffmpeg_version_info}, {libraries}")
    yield encoders_fact()
    yield decoders_fact()


def encoders_fact() -> Fact:
    """The encoders of `--codec`, and which are missing."""
    from bvsrpp_jax.media.codecs import DEFAULT_CRF

    return _fact("encoders", {n: (n,) for n in (*DEFAULT_CRF, *_OTHER_ENCODERS)}, "w")


def decoders_fact() -> Fact:
    """What can be read, and what cannot."""
    return _fact("decoders", DECODERS, "r")


def _fact(name: str, wanted: dict[str, tuple[str, ...]], mode: str) -> Fact:
    found = [
        key for key, codecs in wanted.items() if any(_has(c, mode) for c in codecs)
    ]
    missing = [key for key in wanted if key not in found]
    if not missing:
        return Fact(name, " ".join(found))
    return Fact(name, " ".join(found), f"Missing: {' '.join(missing)}", _REMEDY)


def _has(codec: str, mode: str) -> bool:
    import av

    try:
        av.Codec(codec, mode)
    except ValueError:
        return False
    return True
