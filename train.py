"""Trains a network: the same command on a laptop, on eight GPUs and on a pod.

Two to three minutes on two cores, no data needed:

    python train.py --config=configs/smoke.py --workdir=runs/smoke

The paper's recipe, on whatever devices this host has:

    python train.py --config=configs/reds4.py --workdir=runs/reds4 \
        --config.data.root=data/REDS --config.init_from=spynet_20210409-c6c1bd09.pth

On several hosts, the same command on each (docs/tpu-pods.md):

    python train.py --config=configs/reds4.py --workdir=/shared/reds4 --multihost

Every entry of the configuration can be set on the command line like the root here.
The same command again resumes a run that was stopped; a run that gets SIGTERM or Ctrl-C
finishes its step, saves and leaves. The workdir receives metrics.jsonl, tensorboard/,
checkpoints/, best.safetensors and, at the end, weights.safetensors.

Exit codes: 0 done; 2 bad input or configuration, told in one line; 75 stopped early,
saved and resumable; 130 the same, by Ctrl-C; 1 a bug of ours, with its traceback.
"""

import json
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import config_flags

from bvsrpp_jax import weights
from bvsrpp_jax.background import Background
from bvsrpp_jax.data.catalogue import open_samples, open_validation
from bvsrpp_jax.data.pipeline import batches
from bvsrpp_jax.differences import changed_entries
from bvsrpp_jax.errors import InputError
from bvsrpp_jax.evaluation.validation import make_validation
from bvsrpp_jax.processes import is_main, together
from bvsrpp_jax.scripts import (
    FLAGS,
    define_multihost,
    network_of,
    run,
    say,
    told_as_configuration,
)
from bvsrpp_jax.training.checkpoint import Checkpoints
from bvsrpp_jax.training.guards import tell_skipped
from bvsrpp_jax.training.log import RunLog
from bvsrpp_jax.training.optimizer import learning_rates, make_optimizer
from bvsrpp_jax.training.parallel import (
    DATA,
    data_mesh,
    data_parallel,
    replicated,
    shard_batch,
)
from bvsrpp_jax.training.state import create_state
from bvsrpp_jax.training.step import make_loss, make_train_step
from bvsrpp_jax.training.stopping import StopRequest, Watchdog
from bvsrpp_jax.training.workdir import locked, write_config

AHEAD = 2  # batches on the devices before they are needed
# Entries that a resumed run may change: no parameter depends on them, beyond the order
# in which gradients are summed (as with the number of devices).
FREE = (
    "init_from",
    "accumulate",
    "data.root",
    "data.num_threads",
    "data.num_workers",
    "validation",
    "evaluation",
    "log_every",
    "validate_every",
    "checkpoint_every",
    "keep_checkpoints",
    "watchdog_seconds",
)

config_flags.DEFINE_config_file("config", help_string="The experiment, a Python file.")
flags.DEFINE_string("workdir", None, "Where checkpoints, metrics and weights go.")
flags.DEFINE_bool(
    "accept_config_changes", False, "Resume although the configuration has changed."
)
define_multihost()


def train(config, workdir: Path, *, accept_config_changes: bool = False) -> int:
    """Devices, data, model, optimizer, restore, loop, done. Returns the exit code."""
    with ExitStack() as stack:
        return _train(config, workdir, accept_config_changes, stack.enter_context)


def _train(config, workdir, accept_config_changes, enter) -> int:
    # Devices. Process 0 alone holds the workdir.
    mesh = data_mesh()
    with together():
        check_division(config, mesh)
        if is_main():
            enter(locked(workdir))

    # Data.
    with together(), told_as_configuration():
        data, validation = config.data, config.validation
        samples = open_samples(
            data.dataset,
            data.root,
            data.split,
            batch_size=data.batch_size,
            seed=config.seed,
            scale=config.model.scale,
            **data.samples,
        )
        validation_clips = open_validation(
            validation.dataset,
            validation.root,
            validation.split,
            scale=config.model.scale,
            degradations=validation.degradations,
            num_frames=validation.num_frames,
        )

    # Model and optimizer.
    with together(), told_as_configuration():
        model = network_of(config.model)
        rates = learning_rates(num_steps=config.num_steps, **config.rates)
        optimizer = make_optimizer(rates, fix_iter=config.fix_iter)
        loss = make_loss(model, flow_loss_weight=config.flow_loss_weight)
        step = make_train_step(
            loss,
            optimizer,
            accumulate=config.accumulate,
            clip_norm=config.clip_norm,
            ema_decay=config.ema_decay,
            axis_name=DATA,
        )
        create = partial(
            create_state, optimizer=optimizer, averaged=config.ema_decay is not None
        )
        params = jax.eval_shape(partial(first_params, model, config.seed, ""))
        check_crop(data.samples.crop_size, model)
    step = data_parallel(step, mesh)
    validate = make_validation(model, validation_clips, channel=validation.channel)

    # Restore, or begin.
    experiment = json.loads(json.dumps(config.to_dict()))
    checkpoints = enter(
        Checkpoints(workdir / "checkpoints", keep=config.keep_checkpoints)
    )
    restored = checkpoints.restore(
        jax.eval_shape(create, params), sharding=replicated(mesh)
    )
    if restored:
        state, record, first = restored
        check_unchanged(workdir, record["config"], experiment, accept_config_changes)
        say(f"resumed from step {first} of {workdir / 'checkpoints'}")
    else:
        with together(), told_as_configuration():
            params = first_params(model, config.seed, config.init_from)
        state = jax.jit(create, out_shardings=replicated(mesh))(params)
        record, first = {"best_psnr": None}, 0
    record["config"] = experiment
    if is_main():
        write_config(workdir, experiment)
    num_params = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    say(
        f"{num_params:,} parameters; {data.dataset}, {data.batch_size} clips a step on"
        f" {mesh.size} x {jax.devices()[0].device_kind}; step {first} of"
        f" {config.num_steps}"
    )

    # Loop.
    watchdog = enter(Watchdog(config.watchdog_seconds))
    stop = enter(StopRequest())
    log = enter(
        RunLog(
            workdir if is_main() else None,
            first_step=first,
            num_steps=config.num_steps,
            rates=rates,
        )
    )
    host_batches = enter(
        batches(
            samples,
            batch_size=data.batch_size,
            first_step=first,
            num_steps=max(config.num_steps - first, 0),
            process_index=jax.process_index(),
            process_count=jax.process_count(),
            num_threads=data.num_threads,
            num_workers=data.num_workers,
        )
    )
    put = partial(
        shard_batch, mesh=mesh, dtype=jnp.promote_types(model.dtype, jnp.float32)
    )
    device_batches = enter(Background(map(put, host_batches), ahead=AHEAD))
    done, saved = first, first
    while done < config.num_steps:
        try:
            with log.waiting():
                batch = next(device_batches)
        except InputError:
            if jax.process_count() == 1 and done > saved:  # nothing is lost
                checkpoints.save(state, step=done, record=record)
            raise
        state, metrics = step(state, batch)
        metrics = jax.device_get(metrics)  # waits for the step, so that times are true
        done += 1
        watchdog.beat()
        log.add(metrics)
        if metrics["skipped_in_a_row"]:
            names = (samples.describe(done - 1, i) for i in range(data.batch_size))
            tell_skipped(metrics, names, step=done, say=say)
        last = done == config.num_steps
        if done % config.log_every == 0 or last:
            log.progress(done)
        scores = None
        with log.paused():
            if done % config.validate_every == 0 or last:
                scores, pictures = validate(state.best_params)
                log.validation(done, scores, pictures)
                if record["best_psnr"] is None or scores["psnr"] > record["best_psnr"]:
                    record["best_psnr"] = scores["psnr"]
                    save_weights(workdir / "best.safetensors", model, state)
            stopping = stop.reached(done) and not last
            if done % config.checkpoint_every == 0 or scores or stopping:
                checkpoints.save(state, step=done, record=record, metrics=scores)
                saved = done
        watchdog.beat()
        if stopping:
            checkpoints.wait()
            say(f"stopped at step {done}, saved; the same command resumes")
            return stop.exit_code

    # Done.
    checkpoints.wait()
    save_weights(workdir / "weights.safetensors", model, state)
    say(f"done: {workdir / 'weights.safetensors'}")
    return 0


def check_division(config, mesh) -> None:
    """The devices must divide the batch, and the parts each device's share."""
    size, devices = config.data.batch_size, mesh.size
    if size < 1 or size % (devices * config.accumulate):
        raise InputError(
            f"config.data.batch_size: {size} clips do not divide among {devices}"
            f" devices in {config.accumulate} parts (config.accumulate). Take a"
            f" multiple of {devices * config.accumulate}, or fewer devices."
        )


def check_crop(size: int, model) -> None:
    """The network takes crops of the input."""
    side, least = size // model.scale, model.min_side
    if side < least or side % model.side_multiple:
        step = model.scale * model.side_multiple
        raise InputError(
            f"config.data.samples.crop_size: {size} is {side} pixels of the input, too"
            f" few or no multiple for this network. Take {model.scale * least} or more"
            f" in steps of {step}."
        )


def check_unchanged(workdir, before, now, accept) -> None:
    """A resumed run is the experiment that it was, unless somebody says otherwise."""
    changed = changed_entries(before, now, free=FREE)
    if changed and not accept:
        raise InputError(
            f"{workdir}: holds another experiment: {changed[0]}"
            + (f", and {len(changed) - 1} more entries" if changed[1:] else "")
            + ". Choose another --workdir, or resume with --accept_config_changes."
        )
    for change in changed:
        say(f"note: {change}")


def first_params(model, seed, init_from):
    """The parameters before the first step: from the seed and, if named, a file.

    The file holds a whole network or the flow network alone.
    """
    lq = np.zeros((1, 2, model.min_side, model.min_side, 3), np.float32)
    # With the default generator, compiling the hundreds of draws takes minutes.
    key = jax.random.key(seed, impl="rbg")
    params = jax.jit(model.init)(key, lq)["params"]
    if init_from:
        params = weights.load_into(params, init_from)
    dtype = jnp.promote_types(model.dtype, jnp.float32)
    return jax.tree.map(lambda x: x.astype(dtype), params)


def save_weights(path, model, state) -> None:
    """Writes what the run hands out; by process 0."""
    if is_main():
        params = jax.device_get(state.best_params)
        weights.save(path, model, jax.tree.map(np.float32, params))


def main() -> int:
    return train(
        FLAGS.config,
        Path(FLAGS.workdir).absolute(),
        accept_config_changes=FLAGS.accept_config_changes,
    )


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    run("train.py", main)
