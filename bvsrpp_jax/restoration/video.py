"""File to file, segment by segment (`making.py`), joined at the end.

A run may end at any moment: what is done is kept (`job.py`), and the next one goes on.
"""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media import MAX_PIXELS, ClipInfo, Sink, create_clip, open_clip
from bvsrpp_jax.media.codecs import is_deep
from bvsrpp_jax.media.coding import encoder_threads
from bvsrpp_jax.media.outputs import check_output
from bvsrpp_jax.media.resizing import sized
from bvsrpp_jax.media.segments import Damaged
from bvsrpp_jax.restoration.crew import Crew
from bvsrpp_jax.restoration.job import JobFolder
from bvsrpp_jax.restoration.making import make_missing
from bvsrpp_jax.restoration.manifest import describe, from_json, to_json
from bvsrpp_jax.restoration.plan import Plan

if TYPE_CHECKING:
    from bvsrpp_jax.restoration.restorer import Restorer


@dataclass(frozen=True)
class Job:
    """A file about to be restored.

    Attributes:
      source: what the input is.
      result: what the output will be.
      plan: how the network is run.
      done: frames that an earlier run has restored.
      seconds_per_frame: how long a frame is expected to take, None if nobody asked.
    """

    source: ClipInfo
    result: ClipInfo
    plan: Plan
    done: int = 0
    seconds_per_frame: float | None = None


def restore_video(
    restorer: "Restorer",
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    start: float | Fraction | None = None,
    duration: float | Fraction | None = None,
    fps: float | Fraction | None = None,
    deinterlace: bool = False,
    codec: str | None = None,
    crf: int | None = None,
    pixel_format: str | None = None,
    size: tuple[int | None, int | None] | None = None,
    overwrite: bool = False,
    restart: bool = False,
    multihost: bool = False,
    max_pixels: int = MAX_PIXELS,
    on_start: Callable[[Job], None] | None = None,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_work: Callable[[float], None] | None = None,
) -> int:
    """Restores a video file or a folder of pictures into another.

    Sound, subtitles, timestamps and colour tags are kept. The output appears under
    its name when it is complete. Meanwhile finished windows are kept in a hidden
    folder beside it, `.<name>.job`: the same call after an interruption goes on
    from there, with the same result.

    Args:
      src: a video file, a folder of pictures or a picture.
      dst: a video file by its suffix, a `.png`, or a folder.
      start, duration: the part to restore, in seconds.
      fps: frames a second of pictures, None is 25.
      deinterlace: make frames of one moment of interlaced ones.
      codec, crf, pixel_format: encoder, its constant quality and what it encodes,
        None for good ones.
      size: width and height of the output, None for the network's; one of them
        None for what keeps the shape.
      overwrite: replace `dst` once the new one is complete.
      restart: forget what an interrupted call has done.
      multihost: all processes of the program, joined by `jax.distributed`, call
        this alike and share the work; `dst` is on a file system of all of them.
      max_pixels: of an input frame; larger ones are refused undecoded.
      on_start: called once, before anything is compiled.
      on_progress: called with the number of frames written and how many are
        expected (an estimate for some containers, None if not known).
      on_work: as for `stream`; called from another thread.

    Returns:
      The number of frames.

    Raises:
      InputError: the input or the settings do not allow it, or are not those of an
        interrupted call; one line says why.

    Example:
      >>> restorer = bvsrpp.Restorer.from_pretrained("lite")
      >>> restorer.restore_video("in.mp4", "out.mp4", crf=12)
      2
    """
    if multihost and restorer.wishes.lookahead is not None:
        raise InputError(
            "lookahead: each frame needs all before it, which processes cannot share."
            " Leave out multihost."
        )
    part = {"start": start, "duration": duration, "fps": fps}
    part |= {"deinterlace": deinterlace}
    coding = {"codec": codec, "crf": crf, "pixel_format": pixel_format}
    deep = is_deep(pixel_format, deep=False)
    reading = {"deep": deep, "max_pixels": max_pixels}
    with (
        Crew(multihost=multihost) as crew,
        open_clip(src, **part, **reading) as source,
    ):
        info, scale = source.info, restorer.model.scale
        result = replace(info, width=scale * info.width, height=scale * info.height)
        result = result if size is None else sized(result, size)
        create = partial(
            create_clip, dst, source, result, **coding, overwrite=overwrite
        )
        check_output(Path(dst), source=source.path, overwrite=overwrite)
        with JobFolder(Path(dst), is_owner=crew.is_main) as folder:
            # Tells at once what cannot be; a helper does not wait for the folder.
            with create(folder=folder.path if crew.is_main else None) as sink:
                pass
            settings = {**part, **coding, "size": size}
            description = describe(restorer, source.path, settings)
            choose = partial(_choose, restorer, info)
            _begin(crew, folder, description, choose, restart=restart)
            threads = folder.manifest["threads"]
            plan = restorer.here(from_json(Plan, folder.manifest["plan"]))
            job = Job(info, result, plan, folder.num_done)
            if on_start is not None:
                expected = restorer.seconds_per_frame(plan, (info.height, info.width))
                on_start(replace(job, seconds_per_frame=expected / crew.count))
            if not folder.is_complete:
                make_missing(
                    restorer,
                    source,
                    job,
                    sink.segments(threads=threads),
                    folder,
                    crew,
                    on_progress=on_progress,
                    on_work=on_work,
                )
            crew.wait("restored")
            if crew.is_main:
                create = partial(create, folder=folder.path, threads=threads)
                _publish(create, folder, crew)
            crew.hear("published", 0)
    return folder.num_frames


def _begin(
    crew: Crew,
    folder: JobFolder,
    description: dict,
    choose: Callable[[], dict],
    *,
    restart: bool,
) -> None:
    """Process 0 starts the job or takes it up, the others follow."""
    if crew.is_main:
        folder.begin(description, choose, restart=restart)
        if crew.count > 1:
            token = crew.share_token(folder.path)
            crew.say("begun", json.dumps({"token": token, **folder.state()}))
    else:
        state = json.loads(crew.hear("begun", 0))
        crew.check_shared(folder.path, state["token"])
        folder.follow(description, state)
    crew.wait("ready")


def _publish(create: Callable[[], Sink], folder: JobFolder, crew: Crew) -> None:
    """Joins the segments, gives the output its name and removes the job."""
    crew.await_files(folder.is_all_there)
    if not folder.is_complete:
        raise RuntimeError(f"{folder.num_done} of {folder.num_frames} frames came out")
    with (
        warnings.catch_warnings(action="ignore"),  # told already
        create() as sink,
    ):
        try:
            sink.join(folder.segments())
        except Damaged as error:
            raise InputError(
                f"{folder.path}: a segment was damaged meanwhile: {error}. Start the"
                " same command again, which makes it anew."
            ) from error
        sink.commit()
    folder.remove()
    crew.say("published")


def _choose(restorer: "Restorer", info: ClipInfo) -> dict:
    """What a new manifest holds of the machine's making."""
    # An estimate may be far too low, and would leave frames without neighbours.
    counted = info.num_frames if info.is_counted else None
    size = info.height, info.width
    plan = restorer.plan(size, dtype=info.dtype, num_frames=counted)
    return {"plan": to_json(plan), "threads": encoder_threads()}
