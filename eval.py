"""Evaluates a network as the papers do: the number that goes into a table, and why.

The authors' REDS model on REDS4 (published: 32.3855 dB, 0.9069):

    python eval.py --config=configs/reds4.py --config.evaluation.root=data/REDS \
        --weights=basicvsr_plusplus_c64n7_8x1_600k_reds4_20210217-db622b2f.pth

The same weights on another set, or arithmetic that does not round to 8 bits:

    ... --config.evaluation.protocol=vid4_bd --config.evaluation.root=data/Vid4
    ... --config.evaluation.rounding=none

Clips of one's own, folders of pictures or video files; and results of another method:

    python eval.py --weights=lite --lq=low.mp4 --gt=high.mp4
    python eval.py --config=configs/reds4.py --results=their/REDS4

Speed and size of the network of a configuration:

    python eval.py --config=configs/reds4.py --cost

Every entry of the configuration can be set on the command line. Clips are spread over
the devices, with --multihost over hosts (docs/tpu-pods.md); the values are the same.
The output folder receives evaluation.json, scores.csv, report.md, report.html and, in
clips/, what is done so far: the same command again goes on from there.

Exit codes: 0 done; 2 bad input or configuration, told in one line; 75 stopped early,
what is done is kept; 130 the same, by Ctrl-C; 1 a bug of ours, with its traceback.
"""

import hashlib
import os
import signal
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import jax
from absl import flags
from flax.traverse_util import flatten_dict
from ml_collections import config_flags

from bvsrpp_jax import __version__
from bvsrpp_jax.compilation_cache import use_compilation_cache
from bvsrpp_jax.data.catalogue import open_source
from bvsrpp_jax.data.folder_layout import pairs
from bvsrpp_jax.data.sources import source_of
from bvsrpp_jax.errors import InputError, Stopped
from bvsrpp_jax.evaluation.checks import check_clips
from bvsrpp_jax.evaluation.clips import clips_of
from bvsrpp_jax.evaluation.cost import cost_text, measure
from bvsrpp_jax.evaluation.finished import FinishedClips
from bvsrpp_jax.evaluation.measures import Measures
from bvsrpp_jax.evaluation.methods import FinishedResults, Network
from bvsrpp_jax.evaluation.progress import Progress
from bvsrpp_jax.evaluation.protocols import find_protocol
from bvsrpp_jax.evaluation.provenance import (
    input_text,
    key_of,
    record_of,
    settings_of,
)
from bvsrpp_jax.evaluation.running import evaluate
from bvsrpp_jax.report import print_report, write_files, write_page
from bvsrpp_jax.restoration.crew import Crew
from bvsrpp_jax.scripts import (
    FLAGS,
    compute_dtype,
    define_multihost,
    network_of,
    run,
    say,
    told_as_configuration,
)
from bvsrpp_jax.training.workdir import locked
from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.native import digest
from bvsrpp_jax.weights.store import read_weights

# Threads of XLA's CPU client, which has as many as cores or devices otherwise. Sums are
# split among them: with their number the last bit of an output changes, and now and
# then the rounding of a pixel. With a constant the values do not depend on either.
os.environ.setdefault("NPROC", "8")

config_flags.DEFINE_config_file(
    "config",
    str(Path(__file__).parent / "configs" / "reds4.py"),
    help_string="The experiment, a Python file.",
)
flags.DEFINE_string("weights", None, "A weights file, a training workdir or a preset.")
flags.DEFINE_string("results", None, "Finished results instead: a folder or a video.")
flags.DEFINE_string("gt", None, "Ground truth of one's own: a folder or a video.")
flags.DEFINE_string("lq", None, "Its input, with the same names.")
flags.DEFINE_string("workdir", None, "Where reports go; runs/eval/... by default.")
flags.DEFINE_bool("check", True, "Refuse input that is not what the protocol says.")
flags.DEFINE_bool("cost", False, "Measure speed and size of the network, no more.")
define_multihost()


def main() -> int:
    """Protocol, method, clips, checks, evaluation, reports, done."""
    config = FLAGS.config
    if FLAGS.cost:
        return print_cost(config)
    signal.signal(signal.SIGTERM, stop)  # with --multihost JAX has taken it
    sys.stdout.reconfigure(errors="backslashreplace")  # clips may be called anything
    use_compilation_cache()
    with Crew(multihost=FLAGS.multihost) as crew:
        progress = Progress(say)
        with told_as_configuration():
            protocol, measures = read_settings(config.evaluation)
            method, scale = choose_method(config, protocol, measures, progress.on_work)
        clips = open_clips(config, protocol, scale)
        method.check(clips)
        measures.check_clips(clips)
        if FLAGS.check:
            check_clips(clips[crew.index :: crew.count], kernel=protocol.kernel)

        settings = settings_of(protocol, measures, version=__version__)
        settings["checked"] = FLAGS.check
        key = key_of(settings, method)
        workdir = choose_workdir(config.evaluation, method, key)
        with locked(workdir) if crew.is_main else nullcontext():
            share(workdir, crew)
            progress.begin(clips[crew.index :: crew.count])
            outcome = evaluate(
                clips,
                method,
                measures=measures,
                centre=protocol.centre,
                finished=FinishedClips(workdir / "clips", key),
                crew=crew,
                on_clip=progress.on_clip,
            )
            if crew.is_main:
                name = "pair" if FLAGS.gt else config.evaluation.protocol
                record = record_of(
                    name, protocol, measures, method, clips, outcome, settings
                )
                write_files(workdir, record)
                write_page(workdir / "report.html", record, outcome.pictures)
                print_report(record)
                say(f"wrote {workdir / 'report.html'} and, beside it, the files")
            crew.wait("the reports are written")
    return 0


def read_settings(evaluation):
    """The protocol, and what is measured: what the configuration leaves open is its."""
    if FLAGS.lq and not FLAGS.gt:
        raise InputError("--lq: needs --gt beside it, the ground truth. Name it.")
    if FLAGS.lq and evaluation.degradations:
        raise InputError(
            "--lq: config.evaluation.degradations makes another input. Leave out one of"
            " them; --config=configs/reds4.py has none."
        )
    protocol = find_protocol("pair" if FLAGS.gt else evaluation.protocol)
    title = {"title": Path(FLAGS.gt).name} if FLAGS.gt else {}
    changes = {"ensemble": evaluation.ensemble, "degradations": evaluation.degradations}
    changes = {name: value for name, value in changes.items() if value is not None}
    measures = Measures(
        metrics=tuple(evaluation.metrics),
        channel=evaluation.channel or protocol.channel,
        border=evaluation.border,
        rounding=evaluation.rounding,
    )
    measures.check()
    if protocol.centre and "tof" in measures.metrics:
        raise InputError(
            "config.evaluation.metrics: tof compares frames that follow one another, of"
            " which this protocol looks at one. Leave it out."
        )
    protocol = replace(protocol, **title, **changes)
    if evaluation.degradations:
        # Without a set's "bicubic x4": another input, and perhaps another scale.
        name = title.get("title") or protocol.title.partition(",")[0]
        protocol = replace(protocol, title=f"{name}: input {input_text(protocol)}")
    return protocol, measures


def choose_method(config, protocol, measures, on_work):
    """The network or the finished results, and their scale."""
    if (FLAGS.weights is None) == (FLAGS.results is None):
        raise InputError(
            "--weights, --results: name one of them: a weights file, a training workdir"
            " or a preset; or a folder of finished results."
        )
    if FLAGS.results:
        results = Path(FLAGS.results).expanduser()
        return FinishedResults(
            results, workers=jax.local_device_count(), centre=protocol.centre
        ), None
    name, facts, model, params = load_weights(FLAGS.weights)
    device = jax.local_devices()[0]
    facts |= {
        "dtype": config.model.dtype,
        "device": f"{device.platform}, {device.device_kind}",
        "jax": jax.__version__,
    }
    if FLAGS["config"].present:
        check_network(model, config.model)
    network = Network(
        name,
        facts,
        model.clone(dtype=compute_dtype(config.model.dtype)),
        params,
        devices=jax.local_devices(),
        ensemble=protocol.ensemble,
        rounded=measures.rounding == "uint8" and not protocol.centre,
        on_work=on_work,
    )
    return network, model.scale


def check_network(model, settings) -> None:
    """The weights are those of the configuration's network."""
    expected = network_of(settings)
    for name in settings:
        if name in ("dtype", "remat"):
            continue
        found, wanted = getattr(model, name), getattr(expected, name)
        if found != wanted:
            raise InputError(
                f"{FLAGS.weights}: {name} is {found}, in the configuration {wanted}."
                " Choose the configuration of these weights, or leave out --config."
            )


def open_clips(config, protocol, scale):
    """The clips of the protocol, or of --gt and --lq."""
    if FLAGS.gt:
        lq = FLAGS.lq and Path(FLAGS.lq).expanduser()
        source = source_of(pairs(Path(FLAGS.gt).expanduser(), lq))
    else:
        root = Path(config.evaluation.root).expanduser()
        source = open_source(protocol.dataset, root, protocol.split)
    needed = scale is not None  # finished results do without input
    scale = scale or config.model.scale
    return clips_of(protocol, source, scale=scale, needs_input=needed)


def choose_workdir(evaluation, method, key: str) -> Path:
    """Where reports go: by default a folder for each way to evaluate."""
    if FLAGS.workdir:
        return Path(FLAGS.workdir).expanduser()
    protocol = Path(FLAGS.gt).stem if FLAGS.gt else evaluation.protocol
    return Path("runs") / "eval" / f"{protocol}-{method.name}-{key[:6]}"


def share(workdir: Path, crew: Crew) -> None:
    """All processes see the workdir of process 0, or say that they do not."""
    if crew.count == 1:
        return
    if crew.is_main:
        token = crew.share_token(workdir)
        crew.say("workdir", token)
    else:
        crew.check_shared(workdir, crew.hear("workdir", 0))
    crew.wait("all see the workdir")
    if crew.is_main:
        (workdir / token).unlink()


def load_weights(source: str):
    """A network by the name of its file: its name, facts, model and parameters."""
    loaded = read_weights(source)
    facts = {
        "file": Path(source).name,
        "digest": digest(loaded.model, flatten_dict(loaded.params, sep="/")),
        "network": variant_of(loaded.model),
        "parameters": num_parameters(loaded.model),
    }
    if Path(source).is_file():
        with open(source, "rb") as file:
            facts["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return Path(source).stem, facts, loaded.model, loaded.params


def print_cost(config) -> int:
    """Speed and size, as the literature reports them."""
    if FLAGS.results or FLAGS.gt or FLAGS.lq:
        raise InputError("--cost: is of a network alone. Leave out clips and results.")
    with told_as_configuration():
        model, params = network_of(config.model, remat=False), None
        if FLAGS.weights:
            _, _, model, params = load_weights(FLAGS.weights)
            model = model.clone(dtype=compute_dtype(config.model.dtype))
        size = (180, 320) if model.scale > 1 else (720, 1280)
        say(cost_text(measure(model, params, size=size)))
    return 0


def stop(*_) -> NoReturn:
    """Leaves; clips that are done stay done."""
    raise Stopped


if __name__ == "__main__":
    run("eval.py", main, at_once=True)
