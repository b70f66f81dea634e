"""The published figures, and the table of docs/results.md that is made of them."""

from decimal import Decimal
from pathlib import Path

import pytest

from bvsrpp_jax.report.published import (
    CHANNELS,
    MATRIX,
    PUBLISHED,
    WEIGHTS,
    published_for,
)
from bvsrpp_jax.weights.catalogue import OFFICIAL

RESULTS = Path(__file__).parents[1] / "docs" / "results.md"
BEGIN, END = "<!-- matrix: of report/published.py -->\n", "<!-- end of matrix -->\n"
SETS = {
    "reds4": ("REDS4", "BIx4", "data/REDS"),
    "udm10": ("UDM10", "BDx4", "data/UDM10"),
    "vid4_bi": ("Vid4", "BIx4", "data/Vid4"),
    "vid4_bd": ("Vid4", "BDx4", "data/Vid4"),
    "vimeo90k_bi": ("Vimeo-90K-T", "BIx4", "data/vimeo90k"),
    "vimeo90k_bd": ("Vimeo-90K-T", "BDx4", "data/vimeo90k"),
}
OFFICIAL_OF = {"reds": "reds4", "vimeo90k_bi": "vimeo90k_bi"}
OFFICIAL_OF["vimeo90k_bd"] = "vimeo90k_bd"
NOT_RUN = "not run: no data, no weights here"


def official(trained_on):
    return next(o for o in OFFICIAL if o.name == OFFICIAL_OF[trained_on])


def matrix() -> str:
    """The block of docs/results.md, as it should be."""
    lines = ["```sh"]
    for trained_on in WEIGHTS:
        entry = official(trained_on)
        lines.append(
            f'{trained_on}="--config=configs/{entry.name}.py --weights={entry.file}"'
        )
    lines += ["```", "", "| weights | set | published | measured | command |"]
    lines.append("|---|---|---|---|---|")
    for cell in sorted(MATRIX, key=lambda cell: list(WEIGHTS).index(cell.trained_on)):
        name, kind, root = SETS[cell.protocol]
        figures = f"{cell.psnr} dB / {cell.ssim} {cell.channel.upper()}"
        command = (
            f"python eval.py ${cell.trained_on}"
            f" --config.evaluation.protocol={cell.protocol}"
            f" --config.evaluation.root={root}"
        )
        cells = (
            WEIGHTS[cell.trained_on][0],
            f"{name} {kind}",
            figures,
            NOT_RUN,
            f"`{command}`",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_matrix_has_every_network_on_every_set():
    cells = {(cell.trained_on, cell.protocol) for cell in MATRIX}
    assert cells == {(w, p) for w in WEIGHTS for p in CHANNELS}
    assert len(MATRIX) == 18


def test_the_matrix_agrees_with_the_catalogue_of_weights():
    """Each official network's figures on what it was trained for stand there, too."""
    names = {f"{SETS[p][0]} {SETS[p][1]}": p for p in SETS}
    kinds = {"reds": "BIx4", "vimeo90k_bi": "BIx4", "vimeo90k_bd": "BDx4"}
    checked = 0
    for trained_on in WEIGHTS:
        entry = official(trained_on)
        assert WEIGHTS[trained_on][1] == entry.sha256_digits
        for score in entry.published:
            protocol = names[f"{score.dataset} {kinds[trained_on]}"]
            cell = next(
                c
                for c in MATRIX
                if (c.trained_on, c.protocol) == (trained_on, protocol)
            )
            assert (cell.psnr, cell.ssim) == (
                Decimal(f"{score.psnr:.4f}"),
                Decimal(f"{score.ssim:.4f}"),
            )
            checked += 1
    assert checked == 6


def test_on_what_it_was_trained_for_a_network_is_the_best_of_the_three():
    """A slip between two columns of the table would show.

    Vimeo-90K BI on Vid4 leads by 0.02 dB only.
    """
    best = {"reds4": "reds", "vid4_bi": "vimeo90k_bi", "vimeo90k_bi": "vimeo90k_bi"}
    for protocol in CHANNELS:
        cells = [cell for cell in MATRIX if cell.protocol == protocol]
        leading = max(cells, key=lambda cell: cell.psnr).trained_on
        assert leading == best.get(protocol, "vimeo90k_bd")


def test_every_figure_is_plausible_named_and_has_a_source():
    for row in PUBLISHED:
        assert 20 < row.psnr < 45
        assert Decimal("0.7") < row.ssim < 1
        assert row.method
        assert row.source
        assert row.channel == ("rgb" if row.protocol == "reds4" else "y")
    assert len({(row.protocol, row.method) for row in PUBLISHED}) == len(PUBLISHED)


@pytest.mark.parametrize("protocol", ["dvd", "gopro", "set8", "ntire_vsr", "pair"])
def test_where_none_is_known_there_is_none(protocol):
    assert published_for(protocol) == ()


def test_the_best_comes_first():
    rows = published_for("vid4_bi")
    assert [str(row.psnr) for row in rows[:2]] == ["28.26", "28.07"]
    assert len(rows) == 3 + 4


def test_the_documented_matrix_is_that_of_the_data():
    """The block between the marks is `matrix()`, but for cells that were measured."""
    text = RESULTS.read_text(encoding="utf-8")
    _, _, rest = text.partition(BEGIN)
    block, mark, _ = rest.partition(END)
    assert mark, f"{RESULTS.name} lacks {BEGIN.strip()} ... {END.strip()}"
    for found, expected in zip(block.splitlines(), matrix().splitlines(), strict=True):
        start, end = expected.split(NOT_RUN) if NOT_RUN in expected else (expected, "")
        assert found.startswith(start)
        assert found.endswith(end or start)
