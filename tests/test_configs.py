"""Every recipe of configs/ is a network, data and an evaluation that fit together."""

from importlib import import_module
from pathlib import Path

import pytest

from bvsrpp_jax.data.degrading import check_degradations
from bvsrpp_jax.evaluation.protocols import find_protocol
from bvsrpp_jax.models.grid import BRANCHES
from bvsrpp_jax.scripts import network_of

NAMES = sorted(
    path.stem for path in (Path(__file__).parents[1] / "configs").glob("[a-z]*.py")
)
ROWS = {
    "ablation": ("none", "second_order", "grid", "alignment", "grid+alignment"),
    "reds_scale": ("2", "3", "8"),
}
RECIPES = [(name, row) for name in NAMES for row in ROWS.get(name, ("",))]


def config_of(name, row=""):
    return import_module(f"configs.{name}").get_config(*[row] * bool(row))


@pytest.mark.parametrize(("name", "row"), RECIPES)
def test_crops_and_input_are_what_the_network_takes(name, row):
    config = config_of(name, row)
    model, data = network_of(config.model), config.data.samples
    side, rest = divmod(data.crop_size, model.scale)
    assert side >= model.min_side
    assert not rest
    assert not side % model.side_multiple
    made = (
        data.get("degradations", ()),
        config.validation.degradations,
        config.evaluation.degradations or (),
        find_protocol(config.evaluation.protocol).degradations,
    )
    for degradations in made:
        check_degradations(degradations, scale=model.scale, size=64)


def test_the_ablation_takes_away_what_its_row_does_not_name():
    for row in ROWS["ablation"]:
        model = network_of(config_of("ablation", row).model)
        assert model.second_order == ("second_order" in row)
        assert (model.branches == BRANCHES) == ("grid" in row)
        assert (model.alignment == "deformable") == ("alignment" in row)
    everything = config_of("ablation", "second_order+grid+alignment")
    assert network_of(everything.model) == network_of(config_of("reds4").model)


@pytest.mark.parametrize(("name", "row"), [("ablation", "grids"), ("reds_scale", "4")])
def test_rows_that_there_are_not_are_named(name, row):
    with pytest.raises(ValueError, match=f"configs/{name}.py:{row}: "):
        config_of(name, row)
