"""What the TFDS builders of all data sets share: how they write one frame a record.

No TensorFlow is needed, which rules out TFDS' GeneratorBasedBuilder: above 1 GB it
spills through TensorFlow's files, and with int keys it then sorts a whole split in
memory. The shards here are written in one go each, in this process, in several, or by
the workers of a Beam runner.
"""

import dataclasses
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import ClassVar, NamedTuple

import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builder import FileReaderBuilder

from bvsrpp_jax.data.layouts import clips_of, splits_of
from bvsrpp_jax.data.shards import Shard, features, plan_shards, write_shard
from bvsrpp_jax.data.sources import VERSION, source_of
from bvsrpp_jax.errors import InputError


@dataclasses.dataclass(eq=False, kw_only=True)
class FramesConfig(tfds.core.BuilderConfig):
    """What a record holds.

    Attributes:
      has_lq: the degraded input beside the ground truth.
      tiled: training frames are cut into tiles.
    """

    has_lq: bool = True
    tiled: bool = False


class Job(NamedTuple):
    """A shard that is to be written."""

    split: str
    path: str
    shard: Shard

    def run(self) -> None:
        """Writes the file."""
        write_shard(self.path, self.shard)


class FramesBuilder(FileReaderBuilder, skip_registration=True):
    """Base of the builders, each of which names its layout.

    Args:
      processes: how many write shards at a time, if no Beam runner does.
      report: called with (jobs done, of all, the job) when a shard is written; not with
        Beam, where the workers do not tell.
      **kwargs: of every TFDS builder: data_dir, config.
    """

    VERSION = tfds.core.Version(VERSION)
    RELEASE_NOTES: ClassVar = {str(VERSION): "One frame a record."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = "manual_dir is the folder of the data set."
    BUILDER_CONFIGS: ClassVar = [
        FramesConfig(name="pairs", description="Input and truth."),
        FramesConfig(name="pairs_tiles", description="The same in tiles.", tiled=True),
        FramesConfig(name="gt", description="Truth alone.", has_lq=False),
        FramesConfig(
            name="gt_tiles", description="Truth in tiles.", has_lq=False, tiled=True
        ),
    ]
    # Beside its code TFDS looks for checksums of downloads, of which there are none; to
    # find the code it may need a package it does not require (importlib_resources).
    code_path = None
    layout: ClassVar[str]

    def __init__(
        self,
        *,
        processes: int = 1,
        report: Callable[[int, int, Job], None] | None = None,
        **kwargs,
    ):
        if processes < 1:
            raise InputError(f"processes: {processes} write nothing. Give 1 or more.")
        super().__init__(file_format="array_record", **kwargs)
        self._processes = processes
        self._report = report

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"Frames of {self.layout}, in the order of their clips.",
            features=features(has_lq=self.builder_config.has_lq),
            disable_shuffling=True,
            metadata=tfds.core.MetadataDict(),
        )

    def _download_and_prepare(self, dl_manager, download_config) -> None:
        jobs = self._plan(Path(dl_manager.manual_dir).absolute())
        everything = [job for split in jobs.values() for job in split]
        if download_config.beam_runner is not None:
            _run_with_beam(everything, download_config)
        else:
            for done, job in enumerate(_run(everything, self._processes), 1):
                if self._report is not None:
                    self._report(done, len(everything), job)
        infos = [self._split_info(name, split) for name, split in jobs.items()]
        self.info.set_splits(tfds.core.SplitDict(infos))

    def _plan(self, root: Path) -> dict[str, list[Job]]:
        """Lists what is to be written, and notes where each clip will be."""
        config, jobs, self.info.metadata["clips"] = self.builder_config, {}, {}
        for split in splits_of(self.layout, root):
            source = source_of(clips_of(self.layout, root, split))
            _check_config(config, source.size(0)[1] is not None, root)
            tiled = config.tiled and split == "train"
            shards, table = plan_shards(source, tiled=tiled)
            self.info.metadata["clips"][split] = table
            files = self._get_filename_template(split).sharded_filepaths(len(shards))
            paths = [str(Path(file).absolute()) for file in files]
            jobs[split] = [Job(split, *job) for job in zip(paths, shards, strict=True)]
        return jobs

    def _split_info(self, split: str, jobs: list[Job]) -> tfds.core.SplitInfo:
        return tfds.core.SplitInfo(
            name=split,
            shard_lengths=[job.shard.num_records for job in jobs],
            num_bytes=sum(Path(job.path).stat().st_size for job in jobs),
            filename_template=self._get_filename_template(split),
        )


def _check_config(config: FramesConfig, has_lq: bool, root: Path) -> None:
    if config.has_lq != has_lq:
        kind = "input and ground truth" if has_lq else "ground truth alone"
        other = config.name.replace(*("gt", "pairs") if has_lq else ("pairs", "gt"))
        raise InputError(
            f"{root}: has {kind}, unlike configuration {config.name!r}. Take {other!r}."
        )


def _run(jobs: list[Job], processes: int) -> Iterator[Job]:
    """Runs all jobs; yields each when it is done."""
    if processes == 1:
        for job in jobs:
            job.run()
            yield job
        return
    # Not forked: JAX and video decoders have threads by now.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context)
    try:
        running = {pool.submit(job.run): job for job in jobs}
        for future in as_completed(running):
            future.result()
            yield running[future]
    finally:
        pool.shutdown(cancel_futures=True)


def _run_with_beam(jobs: list[Job], download_config) -> None:
    """Runs all jobs as one stage of one pipeline.

    TFDS' own ShardBasedBuilder makes a stage of each shard, which a local runner works
    off one by one, and runs the pipeline of the first split again with the second.
    """
    beam = tfds.core.lazy_imports.apache_beam
    with beam.Pipeline(
        runner=download_config.beam_runner, options=download_config.beam_options
    ) as pipeline:
        _ = pipeline | beam.Create(jobs) | beam.Reshuffle() | beam.Map(_run_and_note)
    notes = [note for note in map(_note, jobs) if note.exists()]
    if notes:
        told = notes[0].read_text(encoding="utf-8")
        raise InputError(f"{told} {len(notes)} of {len(jobs)} shards have failed.")


def _run_and_note(job: Job) -> None:
    """Notes bad input beside the shard: runners would try again and bury it in logs."""
    try:
        job.run()
    except InputError as error:
        _note(job).write_text(str(error), encoding="utf-8")


def _note(job: Job) -> Path:
    return Path(f"{job.path}.error")
