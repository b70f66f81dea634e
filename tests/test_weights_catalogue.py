"""The list of published networks: ten, with the sizes and names they are known by."""

from bvsrpp_jax.models.basicvsrpp import BasicVSRPlusPlus
from bvsrpp_jax.weights.architecture import variant_of
from bvsrpp_jax.weights.bundled import Bundled
from bvsrpp_jax.weights.catalogue import OFFICIAL
from bvsrpp_jax.weights.layout import num_parameters
from bvsrpp_jax.weights.report import models_text


def test_ten_networks_of_four_sizes():
    sizes = [
        (variant_of(entry.model), num_parameters(entry.model)) for entry in OFFICIAL
    ]
    assert len(sizes) == len({entry.name for entry in OFFICIAL}) == 10
    assert {size: sizes.count(size) for size in sizes} == {
        ("c64n7 x4", 7_322_927): 3,
        ("c128n25 x4", 43_780_463): 1,
        ("c128n25 same-size", 44_075_631): 3,
        ("c64n15 same-size", 9_760_175): 3,
    }


def test_every_file_name_carries_the_start_of_its_sha256():
    digits = [entry.sha256_digits for entry in OFFICIAL]
    assert digits == [
        *("db622b2f", "4ef437e2", "ab315ab1", "1ff35292"),
        *("7b2eba02", "eeae05e6", "6daf4a40"),
        *("ecd08b7f", "3c5bb9b5", "28f6920c"),
    ]


def test_published_figures_are_plausible_and_said_to_be_elsewhere_otherwise():
    for entry in OFFICIAL:
        assert bool(entry.published) != bool(entry.figures_in)
        for score in entry.published:
            assert 27 < score.psnr < 41
            assert 0.8 < score.ssim < 1


def test_text_shows_every_network_with_where_to_get_it():
    text = models_text([Bundled("lite", BasicVSRPlusPlus(mid_channels=16))], OFFICIAL)
    for entry in OFFICIAL:
        assert entry.name in text
        assert entry.file in text
        assert entry.source in text
        assert f"{num_parameters(entry.model):,}" in text
    assert "32.3855 dB, 0.9069" in text
    assert "lite" in text
    assert "c16n7 x4" in text
