"""Windows are held against the exact result, frame by frame."""

import jax.numpy as jnp
import numpy as np
import pytest
from media_files import pictures, write_video
from stand_in import StandIn

from bvsrpp_jax.restoration import Restorer
from bvsrpp_jax.restoration.memory import Memory
from bvsrpp_jax.restoration.plan import Plan
from bvsrpp_jax.restoration.seams import Seams, seams_text, verify_seams

PLAN = Plan(4, 1, 2, needed=Memory(0, 0), available=Memory(0, 0))


class Forgetful(StandIn):
    """Darkens the first frame that a branch sees, as any window's first one is."""

    def propagate(self, params, branch, feats, flow_n1, carry):
        seen = carry.num_seen + jnp.arange(feats[0].shape[1])
        feat = jnp.zeros_like(feats[0]) + (seen > 0)[:, None, None, None]
        return feat, carry._replace(num_seen=carry.num_seen + len(seen))

    def reconstruct(self, params, lq, feats):
        return super().reconstruct(params, lq * (0.9 + 0.1 * feats[4]), feats)


def seams(tmp_path, model, **options):
    source = write_video(tmp_path / "in.mp4", pictures(9))
    restorer = Restorer(model, jnp.float32(1), window=4, chunk=2, **options)
    work = []
    found = verify_seams(restorer, source, on_work=work.append)
    assert sum(work) == pytest.approx(9)
    return found


def test_frames_at_a_seam_are_found(tmp_path):
    found = seams(tmp_path, Forgetful(), overlap=0)
    differing = np.flatnonzero(np.isfinite(found.psnr))
    assert differing.tolist() == [4]  # where the second window begins
    assert all(20 < value < 40 for value in found.psnr[differing])


def test_an_overlap_hides_them(tmp_path):
    found = seams(tmp_path, Forgetful(), overlap=1)
    assert np.isinf(found.psnr).all()
    assert seams_text(found) == "seams: all 9 frames are those of the exact result"


def test_the_worst_frame_is_told():
    text = seams_text(Seams(PLAN, np.array([np.inf, 60, 52.04, np.inf])))
    assert text == (
        "seams: frame 2 differs most from the exact result, by 52.0 dB PSNR; 2 of 4"
        " frames differ, by 56.0 dB in the mean"
    )
