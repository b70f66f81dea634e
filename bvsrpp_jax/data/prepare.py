"""Builds a data set as TFDS record files that training reads without delay.

    python -m bvsrpp_jax.data.prepare --dataset reds --root REDS --output built
    ... --tiles --processes 8          training frames in tiles, on eight cores
    ... --tiles --beam runner=FlinkRunner,flink_master=host:8081

Data sets and where their files go are in docs/datasets.md. Every picture is decoded and
checked once. Nothing appears under its name before it is complete.
"""

import argparse
import importlib.util
import io
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bvsrpp_jax.data.layouts import LAYOUTS, check_dataset, clips_of, splits_of
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.media.failures import told_as


def prepare(
    dataset: str,
    root: Path,
    output: Path,
    *,
    tiles: bool = False,
    processes: int = 1,
    beam: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Builds a data set.

    Args:
      dataset: one of `layouts.LAYOUTS`.
      root: the data set's own folder.
      output: gets `<dataset>/<config>/<version>`.
      tiles: cut training frames into tiles of 480x480 pixels.
      processes: how many write at a time, without Beam.
      beam: options of a Beam pipeline, "name=value,name=value", as TFDS writes them;
        its workers must see root and output.
      say: told what is found and written, a line each; None prints to stderr.

    Returns:
      The folder that was written.

    Raises:
      InputError: the data set is incomplete or damaged, or is built already.
    """
    say = say or partial(print, file=sys.stderr)
    check_dataset(dataset)
    _check_installed("tensorflow_datasets", "Run pip install 'bvsrpp-jax[train]'.")
    _check_installed("array_record", "Train from the folder, without building it.")
    config = ("pairs" if _look_through(dataset, root, say) else "gt") + "_tiles" * tiles
    from bvsrpp_jax.data.builders import BUILDERS

    builder = BUILDERS[dataset](
        data_dir=str(output), config=config, processes=processes, report=_progress(say)
    )
    _check_absent(Path(builder.data_dir))
    with (
        told_as(output, "cannot be written", "Choose another folder."),
        redirect_stdout(io.StringIO()),  # TFDS says that the size is not known
        TemporaryDirectory() as unused,
    ):
        builder.download_and_prepare(
            download_dir=unused, download_config=_how(root, beam)
        )
    _summarise(builder, say)
    return Path(builder.data_dir)


def _look_through(dataset: str, root: Path, say: Callable[[str], None]) -> bool:
    """Checks all splits before anything is written; tells whether inputs are stored."""
    scale = None
    for split in splits_of(dataset, root):
        source = source_of(clips_of(dataset, root, split))
        _, scale = source.size(0)
        frames = sum(clip.num_frames for clip in source.clips)
        stored = "without input" if scale is None else f"input {scale} times smaller"
        say(f"{split}: found {len(source.clips)} clips, {frames} frames, {stored}")
    return scale is not None


def _how(root: Path, beam: str | None):
    """Where TFDS finds the files, and with which Beam runner it works."""
    import tensorflow_datasets as tfds

    if beam is None:
        return tfds.download.DownloadConfig(manual_dir=str(root))
    _check_installed("apache_beam", "Run pip install 'bvsrpp-jax[beam]'.")
    module = tfds.core.lazy_imports.apache_beam.options.pipeline_options
    flags = [f"--{option}" for option in beam.split(",") if option]
    options = module.PipelineOptions(flags)
    runner = options.view_as(module.StandardOptions).runner or "DirectRunner"
    return tfds.download.DownloadConfig(
        manual_dir=str(root), beam_runner=runner, beam_options=options
    )


def _check_installed(module: str, advice: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise InputError(f"{module}: is not installed here. {advice}")


def _check_absent(target: Path) -> None:
    if target.exists():
        raise InputError(
            f"{target}: is built already. Train from it, or remove it to build again."
        )
    for leftover in target.parent.glob(f"incomplete.*_{target.name}"):
        raise InputError(
            f"{leftover}: a build was killed, or is running. Remove it if none is."
        )


def _progress(say: Callable[[str], None]) -> Callable:
    begin = time.monotonic()

    def report(done: int, total: int, job) -> None:
        left = (time.monotonic() - begin) / done * (total - done)
        say(f"{job.split}: {done} of {total} shards written, {left / 60:.0f} min left")

    return report


def _summarise(builder, say: Callable[[str], None]) -> None:
    for split in builder.info.splits.values():
        clips = len(builder.info.metadata["clips"][split.name])
        size = f"{split.num_bytes / 1e9:.2f} GB in {split.num_shards} files"
        say(f"{split.name}: {clips} clips, {split.num_examples} frames, {size}")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help=", ".join(LAYOUTS))
    parser.add_argument("--root", type=Path, required=True, help="its own folder")
    parser.add_argument("--output", type=Path, required=True, help="where builds go")
    parser.add_argument("--tiles", action="store_true", help="cut training frames")
    parser.add_argument("--processes", type=int, default=1, help="without --beam")
    parser.add_argument("--beam", metavar="OPTIONS", help="options of a Beam pipeline")
    options = vars(parser.parse_args(arguments))
    options["root"] = options["root"].expanduser()
    options["output"] = options["output"].expanduser()
    try:
        print(prepare(**options))
    except InputError as error:
        print(f"prepare: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("prepare: stopped, nothing is left behind", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
