"""Trains a network from a configuration.

The bundled model, on a laptop:

    python train.py --config=configs/lite.py --workdir=runs/lite \
        --config.data.folder=prepared

Every entry of the configuration can be set on the command line like the folder here.
The same command again resumes a run that was stopped. The workdir receives
`metrics.jsonl`, `checkpoints/` and, at the end, `weights.safetensors`.
"""

import json
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import jax
import numpy as np
from absl import app, flags, logging
from ml_collections import config_flags

from bvsrpp_jax import weights
from bvsrpp_jax.background import Background
from bvsrpp_jax.data.clips import as_batch, batches, open_prepared
from bvsrpp_jax.data.degradations import bicubic_resize, to_uint8
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.metrics import psnr
from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.training import checkpoint
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.state import create_state
from bvsrpp_jax.training.step import make_loss, make_train_step

AHEAD = 4  # batches made while the device computes

FLAGS = flags.FLAGS
config_flags.DEFINE_config_file("config", help_string="The experiment, a Python file.")
flags.DEFINE_string("workdir", None, "Where checkpoints, metrics and weights go.")


def train(config, workdir: Path) -> None:
    """Data, model, optimizer, restore, loop, done."""
    folder = Path(config.data.folder)
    filmed = config.data.samples.filmed
    needs = ("photographs",) * (filmed > 0) + ("clips",) * (filmed < 1)
    prepared = open_prepared(folder / "train", needs=needs)
    validation = open_prepared(folder / "validation", needs=("clips",)).clips[0]

    with told_as_configuration():
        model = BasicVSRPlusPlus(**config.model)
        rates = learning_rates(num_steps=config.num_steps, **config.rates)
        optimizer = make_optimizer(rates, fix_iter=config.fix_iter)
        loss = make_loss(model, flow_loss_weight=config.flow_loss_weight)
        create = partial(initial_state, model, optimizer, config.seed, config.init_from)
        abstract = jax.eval_shape(create)
        draw = partial(batches, prepared, seed=config.seed, **config.data.samples)
        next(draw())
    step = make_train_step(loss, optimizer, ema_decay=config.ema_decay)
    step = jax.jit(step, donate_argnums=0)
    evaluate = make_evaluation(model, validation)

    if newest := checkpoint.latest(workdir / "checkpoints"):
        state = checkpoint.restore(newest, like=abstract)
        logging.info("resumed from %s", newest)
    else:
        state = create()
    first = int(state.step)

    log = Log(workdir, rates, config.num_steps)
    last_save = time.monotonic()
    with Background(draw(first_step=first), ahead=AHEAD) as samples:
        for done in range(first + 1, config.num_steps + 1):
            state, metrics = step(state, next(samples))
            log.add(metrics)
            if done % config.log_every == 0:
                log.write_progress(done)
            if done % config.validate_every == 0 or done == config.num_steps:
                log.write({"step": done, **evaluate(state.ema)})
            if time.monotonic() - last_save > config.checkpoint_seconds:
                checkpoint.save(workdir / "checkpoints", state, done)
                last_save = time.monotonic()
    log.close()

    checkpoint.save(workdir / "checkpoints", state, config.num_steps)
    weights.save(workdir / "weights.safetensors", model, jax.device_get(state.ema))
    print(f"done: {workdir / 'weights.safetensors'}")


@contextmanager
def told_as_configuration():
    """Values that the network, the schedules or the samples refuse are bad input."""
    try:
        yield
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"--config: {error}. Change that entry.") from error


def make_workdir(path: Path) -> Path:
    """The folder, made if it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{path}: {error.strerror}. Choose another --workdir."
        raise InputError(message) from error
    return path


def initial_state(model, optimizer, seed, init_from):
    """The state before the first step, from the seed or from the weights of a file."""
    lq = np.zeros((1, 2, model.min_side, model.min_side, 3), np.float32)
    # With the default generator, compiling the 120 draws takes two minutes.
    key = jax.random.key(seed, impl="rbg")
    params = jax.jit(model.init)(key, lq)["params"]
    if init_from:
        params = initial_weights(init_from, like=params)
    return create_state(params, optimizer)


def initial_weights(path, *, like):
    """The parameters of a file, which must be those of the same network."""
    _, params = weights.load(path)
    shapes = [jax.tree.map(lambda x: x.shape, tree) for tree in (params, like)]
    if shapes[0] != shapes[1]:
        raise InputError(
            f"{path}: the weights of another network. Change config.model or"
            " config.init_from."
        )
    return params


def make_evaluation(model, gt):
    """PSNR-Y of the model, and its gain over bicubic, on a clip [t, h, w, 3] uint8."""
    lq = as_batch(gt[None])["lq"]
    bicubic = to_uint8(bicubic_resize(lq[0], model.scale))
    baseline = psnr(bicubic, gt, channel="y").mean()
    restore = jax.jit(lambda params: model.apply({"params": params}, lq)[0])

    def evaluate(params):
        value = psnr(to_uint8(np.asarray(restore(params))), gt, channel="y").mean()
        return {"psnr_y": float(value), "psnr_y_over_bicubic": float(value - baseline)}

    return evaluate


class Log:
    """`metrics.jsonl` and the progress line; losses are averaged between lines."""

    def __init__(self, workdir, rates, num_steps):
        self._file = open(workdir / "metrics.jsonl", "a", buffering=1)  # noqa: SIM115
        self._rates, self._num_steps = rates, num_steps
        self._since, self._metrics = time.monotonic(), []

    def add(self, metrics):
        """Takes the metrics of one step; waits for it, so that times are true."""
        self._metrics.append(jax.device_get(metrics))

    def write_progress(self, step):
        """Writes the means since the last call."""
        now, count = time.monotonic(), len(self._metrics)
        last = self._metrics[-1]
        record = {k: float(np.mean([m[k] for m in self._metrics])) for k in last}
        skipped = int(last["skipped"])
        updates = step - 1 - skipped
        record |= {f"rate_{k}": float(rate(updates)) for k, rate in self._rates.items()}
        speed = count / (now - self._since)
        left = (self._num_steps - step) / speed / 60
        self.write({**record, "step": step, "skipped": skipped, "steps_per_s": speed})
        print(f"{left:.0f} minutes left", flush=True)
        self._since, self._metrics = now, []

    def write(self, record):
        """Appends a line to the file and shows it."""
        self._file.write(json.dumps(record) + "\n")
        print("  ".join(f"{k} {v:.4g}" for k, v in record.items()), flush=True)

    def close(self):
        self._file.close()


def main(_) -> None:
    try:
        train(FLAGS.config, make_workdir(Path(FLAGS.workdir)))
    except InputError as error:
        print(f"train.py: error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
