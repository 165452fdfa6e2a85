"""Numbers with their spread and source: what a file must say, and what a draw is a function of."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from otosome.cards import DEEPEST_FILE, LARGEST_FILE, make_card, parse_toml, read_card, read_source
from otosome.errors import BadInput
from otosome.evidence import (
    BASES,
    LOTS,
    WORLD,
    draw_columns,
    first_name,
    near,
    open_interval,
    uniforms,
    world_luck,
)
from otosome.roles import SpeciesOptions

SPREADS = [
    ("normal", "3", "1", "9"),
    ("normal", "-3", "-4", "2"),
    ("lognormal", "3", "0.3", "10"),
    ("uniform", "0.5", "0", "1"),
    ("loguniform", "3", "0.03", "300"),
]


def card(**changes):
    """A card with one parameter; a change to None takes a key away."""
    stated = {
        "meaning": "platinum at half the largest rate", "value": "3 uM", "low": "0.3 uM", "high": "30 uM",
        "shape": "lognormal", "basis": "measured", "source": "somebody_2001",
    }  # fmt: skip
    stated = {key: value for key, value in {**stated, **changes}.items() if value is not None}
    return make_card({"about": "An entry.", "ec50": stated}, "insults", "cisplatin", "cisplatin.toml")


def number(**changes):
    return card(**changes).parameters["ec50"][""]


def plain(shape, value, low, high, **more):
    return number(shape=shape, value=value, low=low, high=high, **more)


# ---- what is not known ----


@pytest.mark.parametrize(("shape", "value", "low", "high"), SPREADS)
def test_low_value_and_high_are_the_quantiles_they_claim_to_be(shape, value, low, high):
    parameter = plain(shape, value, low, high)
    ends = (0.0, 1.0) if "uniform" in shape else (0.05, 0.95)
    assert parameter.quantile(np.array(ends)) == pytest.approx([float(low), float(high)], rel=1e-12)
    if "uniform" not in shape:
        assert parameter.quantile(np.array(0.5)) == pytest.approx(float(value), rel=1e-12)


@pytest.mark.parametrize(("shape", "value", "low", "high"), SPREADS)
def test_a_quantile_rises_with_its_probability(shape, value, low, high):
    quantiles = plain(shape, value, low, high).quantile(np.linspace(0.001, 0.999, 500))
    assert np.all(np.diff(quantiles) > 0)


def test_a_number_without_a_range_is_always_itself():
    parameter = number(low=None, high=None, shape=None)
    assert parameter.shape == "fixed"
    assert set(parameter.draw(1, 0, 40)) == {3.0}


@pytest.mark.parametrize(("shape", "value", "low", "high"), SPREADS)
def test_worlds_are_drawn_from_the_stated_distribution(shape, value, low, high):
    parameter = plain(shape, value, low, high)
    worlds = parameter.draw(3, 0, 2000 * WORLD)[::WORLD]
    probabilities = np.searchsorted(parameter.quantile(np.linspace(0, 1, 20_001)[1:-1]), worlds) / 20_000
    # With 2000 draws a Kolmogorov-Smirnov p below 1e-4 would be a wrong distribution, not chance.
    assert stats.kstest(probabilities, "uniform").pvalue > 1e-4


# ---- draws ----

SPREAD_OUT = number(subjects="20 %", lots="30 %")


def test_rows_of_one_world_share_what_is_unknown():
    values = number().draw(1, 0, 5 * WORLD).reshape(5, WORLD)
    assert np.all(values == values[:, :1])
    assert len(set(values[:, 0])) == 5


def test_rows_of_one_lot_share_the_lot():
    lots = number(low=None, high=None, shape=None, lots="30 %").draw(1, 0, 3 * WORLD)
    rows = np.arange(lots.size)
    for world in range(3):
        for lot in range(LOTS):
            assert len(set(lots[(rows // WORLD == world) & (rows % LOTS == lot)])) == 1
    assert len(set(lots)) == 3 * LOTS


def test_subjects_spread_by_the_stated_coefficient_of_variation():
    values = number(low=None, high=None, shape=None, subjects="20 %").draw(1, 0, 100_000)
    # The standard error of a CV from 100,000 draws is about 0.05 %; of their median 0.1 %.
    assert np.std(values) / np.mean(values) == pytest.approx(0.2, rel=0.02)
    assert np.median(values) == pytest.approx(3.0, rel=0.01)


@pytest.mark.parametrize("who", ["subjects", "lots"])
def test_a_spread_in_the_unit_of_the_value_is_added(who):
    parameter = number(value="30 dB", low=None, high=None, shape=None, **{who: "3 dB"})
    values = parameter.draw(1, 0, 30_000)
    assert parameter.additive
    if who == "subjects":
        assert np.std(values) == pytest.approx(3.0, rel=0.03)
    else:
        assert np.ptp(values) < 10 * 3.0


@given(st.integers(0, 2**63 - 1), st.integers(0, 300), st.integers(1, 60), st.integers(0, 40))
def test_any_slice_of_a_draw_is_the_slice_of_the_whole(seed, start, length, beyond):
    whole = SPREAD_OUT.draw(seed, 0, start + length + beyond)
    assert np.array_equal(SPREAD_OUT.draw(seed, start, start + length), whole[start : start + length])


def test_a_draw_depends_on_seed_and_name_and_nothing_else():
    other = make_card(
        {"about": "Another.", "emax": {"meaning": "m", "value": "3", "low": "1", "high": "9", "shape": "lognormal",
                                       "basis": "measured", "source": "s"}}, "insults", "noise", "f"
    ).parameters["emax"][""]  # fmt: skip
    alone = draw_columns([SPREAD_OUT], 1, 0, 30)[SPREAD_OUT.name]
    among = draw_columns([other, SPREAD_OUT], 1, 0, 30)[SPREAD_OUT.name]
    assert np.array_equal(alone, among)
    assert not np.any(alone == SPREAD_OUT.draw(2, 0, 30))
    assert abs(np.corrcoef(uniforms(1, "a", 0, 5000), uniforms(1, "b", 0, 5000))[0, 1]) < 0.06


# ---- numbers of which only a combination is known ----


def pair(share):
    """Two numbers, the second linked to the first."""
    first = {"meaning": "m", "value": "3", "low": "1", "high": "9", "basis": "assumed", "because": "b"}
    second = {**first, "shape": "uniform", "linked": {"insults.noise.one": share}}
    made = make_card({"about": "Two.", "one": first, "two": second}, "insults", "noise", "f")
    return made.parameters["one"][""], made.parameters["two"][""]


def test_a_number_with_a_better_name_keeps_its_draws():
    names = (
        "cells.ohc.susceptibility",
        "cases.pk_c10.tympanic",
        "insults.noise.susceptibility",
        "cells.ohc.death",
    )
    first = (
        "cells.ohc.frailty",
        "observations.pk_c10.tympanic",
        "insults.noise.susceptibility",
        "cells.ohc.death",
    )
    assert tuple(first_name(name) for name in names) == first
    worlds = np.array([2, 0, 5])
    for name, former in zip(names, first, strict=True):
        parameter = replace(number(), name=name)
        expected = parameter.quantile(uniforms(3, f"{former}/world", 0, 6)[worlds])
        assert parameter.at(3, worlds) == pytest.approx(expected, rel=1e-14)
        assert world_luck(3, name, worlds) == pytest.approx(
            uniforms(3, f"{former}/world", 0, 6)[worlds], rel=1e-14
        )
    assert first_name("adverse_events.fever.ratio") == "harms.fever.ratio"


def test_linked_numbers_keep_their_own_ranges_and_correlate_by_the_share():
    one, two = pair(0.8)
    table = draw_columns([one, two], 1, 0, 20_000, world=1)
    assert stats.kstest((table[two.name] - 1.0) / 8.0, "uniform").pvalue > 0.01
    own = stats.norm.ppf((table[two.name] - 1.0) / 8.0)
    # Of 20 000 draws a correlation of 0.8 has a standard error of 0.0025.
    assert np.corrcoef(np.log(table[one.name]), own)[0, 1] == pytest.approx(0.8, abs=0.01)


def test_a_linked_number_is_drawn_alike_whether_the_other_is_drawn_or_not():
    one, two = pair(0.8)
    assert np.array_equal(
        draw_columns([two], 1, 0, 50)[two.name], draw_columns([one, two], 1, 0, 50)[two.name]
    )
    assert np.array_equal(two.draw(1, 20, 50), two.draw(1, 0, 50)[20:])


def test_a_changed_link_changes_the_hash():
    assert len({pair(share)[1].hash for share in (0.5, 0.8)} | {pair(0.5)[0].hash}) == 3


@pytest.mark.parametrize(
    ("linked", "said"),
    [
        ({"insults.noise.ohc": 1.0}, "leaves nothing"),
        ({"insults.noise.ohc": 0.8, "insults.noise.synapse": -0.7}, "leaves nothing"),
        ({"insults.cisplatin.ec50": 0.5}, "not the share of another"),
        ({"ohc": 0.5}, "not the share of another"),
        ({"insults.noise.ohc": "0.5"}, "not the share of another"),
        ("insults.noise.ohc", "table of names"),
    ],
)
def test_a_link_that_cannot_be_is_refused(linked, said):
    with pytest.raises(BadInput, match=said):
        number(linked=linked)


@given(st.integers(0, 2**63 - 1), st.text(max_size=30), st.integers(0, 10**9))
def test_uniforms_lie_strictly_between_zero_and_one(seed, name, start):
    values = uniforms(seed, name, start, start + 8)
    assert values.shape == (8,)
    assert np.all((values > 0) & (values < 1))


def test_not_even_the_extreme_bits_reach_an_end():
    ends = open_interval(np.array([0, 2**64 - 1], dtype=np.uint64))
    assert 0 < ends[0] < ends[1] < 1


def test_uniforms_are_uniform():
    assert stats.kstest(uniforms(7, "insults.cisplatin.ec50", 0, 20_000), "uniform").pvalue > 1e-4


# ---- cards: one test a rule ----


CURVE = {
    "distance": [0, 1.5, 2], "area": [0.5, 0.25, 0.125], "basis": "measured", "source": "somebody_2001",
}  # fmt: skip


def test_a_card_keeps_options_parameters_and_curves_apart():
    made = make_card(
        {
            "about": "An ear.", "name": "guinea pig", "map": "guinea_pig_epl",
            "flow": {"meaning": "m", "value": "30 nL/min", "basis": "assumed", "because": "no row"},
            "profile": {"map": {**CURVE, "distance": [0, 1], "area": [2, 1]}, "baseline": {"mouse": CURVE}},
        }, "species", "guinea_pig", "guinea_pig.toml",
    )  # fmt: skip
    assert made.options == SpeciesOptions(map="guinea_pig_epl", name="guinea pig")
    flow = made.parameter("flow", "guinea_pig")
    assert (flow.name, flow.unit, flow.given) == ("species.guinea_pig.flow", "uL/h", "30 nL/min")
    assert flow.value == pytest.approx(1.8)
    assert made.profile("map", "mouse")["area"].tolist() == [2.0, 1.0]
    assert made.profile("baseline", "mouse")["area"].tolist() == [0.5, 0.25, 0.125]
    assert made.curve("baseline", "mouse").name == "species.guinea_pig.baseline"
    with pytest.raises(BadInput, match="rat has no curve baseline"):
        made.profile("baseline", "rat")


def test_a_species_has_its_own_number_or_the_general_one():
    own = {"value": "5 uM", "basis": "measured", "source": "somebody_2001"}
    made = card(guinea_pig=own)
    assert made.parameter("ec50", "guinea_pig").value == 5.0
    assert made.parameter("ec50", "mouse").value == 3.0


def test_a_species_without_a_number_is_refused_with_the_species_there_are():
    own = {"meaning": "m", "guinea_pig": {"value": "5 uM", "basis": "measured", "source": "s"}}
    made = make_card({"about": "A.", "ec50": own}, "insults", "cisplatin", "cisplatin.toml")
    with pytest.raises(
        BadInput, match=r"mouse has no value for cisplatin\.ec50.*allowed: guinea_pig.*scaled_from"
    ):
        made.parameter("ec50", "mouse")


RULES = [
    ({"meaning": None}, "says what it means"),
    ({"value": None}, "has a value"),
    ({"value": 3.0}, "must be text in quotes"),
    ({"value": "3 furlong"}, "'furlong' is not known"),
    ({"value": "1e999 uM"}, "not finite"),
    ({"low": "1 h"}, "expected one convertible to 'uM'"),
    ({"low": None}, "low and high come together"),
    ({"high": None}, "low and high come together"),
    ({"low": "4 uM"}, "low, value and high must rise"),
    ({"high": "2 uM"}, "low, value and high must rise"),
    ({"shape": "gamma"}, "is not known"),
    ({"low": "0 uM"}, "lies above zero"),
    ({"low": "0 uM", "shape": "loguniform"}, "lies above zero"),
    ({"basis": None}, "is not known"),
    ({"basis": "guessed"}, "is not known"),
    ({"source": None}, "names its source"),
    ({"basis": "computed", "source": None}, "names its source"),
    ({"basis": "assumed", "source": None}, "says why"),
    ({"basis": "direction"}, "says why"),
    ({"basis": "unverified"}, "says why"),
    ({"becuase": "typo"}, "is not a key of a parameter"),
    ({"subjects": "20 ng"}, "expected one convertible to 'uM'"),
    ({"subjects": "lots of %"}, "is not a number"),
    ({"subjects": "-20 %"}, "a spread is not negative"),
    ({"subjects": "20 %", "lots": "1 uM"}, "all in %"),
    ({"runs": "20 %", "subjects": "1 uM"}, "all in %"),
    ({"alike": "1.2"}, "a correlation of two ears lies from 0 to 1"),
    ({"guinea_pig": {"value": "3 uM"}}, "is not known"),
    ({"guinea_pig": {"value": "3 h", "basis": "measured", "source": "s"}}, "of one kind in every species"),
]


@pytest.mark.parametrize(("changes", "message"), RULES, ids=[str(changes) for changes, _ in RULES])
def test_a_card_refuses(changes, message):
    with pytest.raises(BadInput, match=message) as refused:
        card(**changes)
    assert refused.value.file == "cisplatin.toml"
    assert str(refused.value.key).startswith("ec50")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"area": None}, "two columns or more"),
        ({"area": [0.5, 0.25]}, "of one length"),
        ({"distance": [0], "area": [1]}, "two points or more"),
        ({"distance": [0, 2, 2]}, "first column of a curve rises"),
        ({"area": [0.5, "0.25", 0.125]}, "a column holds numbers"),
        ({"area": [0.5, True, 0.125]}, "a column holds numbers"),
        ({"basis": None}, "is not known"),
        ({"basis": "assumed"}, "says why"),
        ({"source": None}, "names its source"),
        ({"becuase": "typo"}, "is not a column or a word of a curve"),
    ],
)
def test_a_curve_is_refused(changes, message):
    values = {key: value for key, value in {**CURVE, **changes}.items() if value is not None}
    with pytest.raises(BadInput, match=message) as refused:
        make_card({"about": "A.", "profile": {"map": {"mouse": values}}}, "species", "vole", "vole.toml")
    assert refused.value.file == "vole.toml"
    assert str(refused.value.key).startswith("profile.map.mouse")


def test_a_curve_is_another_when_a_point_or_its_source_is():
    def hash_of(**changes):
        values = {"about": "A.", "map": "x", "profile": {"map": {**CURVE, **changes}}}
        return make_card(values, "species", "vole", "vole.toml").curve("map", "mouse").hash

    assert hash_of() == hash_of(distance=[0.0, 1.5, 2.0]) == hash_of(locator="page 3")
    others = [hash_of(distance=[0, 1.4, 2]), hash_of(source="x"), hash_of(basis="computed")]
    assert len({hash_of(), *others}) == 4


def test_a_key_misspelt_where_only_species_have_numbers_is_refused():
    own = {"meaning": "m", "becuase": "typo", "mouse": {"value": "5 uM", "basis": "measured", "source": "s"}}
    with pytest.raises(BadInput, match="becuase: is not a key of a parameter"):
        make_card({"about": "A.", "ec50": own}, "insults", "cisplatin", "cisplatin.toml")


@pytest.mark.parametrize("about", [{}, {"about": ""}, {"about": 3}])
def test_an_entry_without_a_sentence_is_refused(about):
    with pytest.raises(BadInput, match="one sentence"):
        make_card(about, "insults", "cisplatin", "cisplatin.toml")


@pytest.mark.parametrize("basis", BASES)
def test_every_basis_can_be_stated(basis):
    assert number(basis=basis, because="a reason").basis == basis


def test_a_hash_changes_with_the_number_its_spread_and_its_source():
    others = [
        number(value="4 uM"),
        number(high="40 uM"),
        number(source="somebody_2002"),
        number(basis="computed"),
    ]
    assert len({parameter.hash for parameter in [number(), *others]}) == 5
    assert number(locator="Table 2").hash == number().hash


# ---- files ----


@given(st.binary(max_size=300))
def test_any_bytes_are_plain_values_or_one_refusal(raw):
    try:
        values = parse_toml(raw, "a.toml")
    except BadInput:
        return
    assert isinstance(values, dict)


_SCALARS = st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True), _SCALARS | st.text(max_size=20), max_size=5
    )
)
def test_what_is_written_is_read_back(values):
    import tomli_w

    assert parse_toml(tomli_w.dumps(values).encode(), "a.toml") == values


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\xff = 1", "is not UTF-8 text"),
        (b"a = ", "is not valid TOML"),
        (b"a = 1\na = 2", "is not valid TOML"),
        (b"a = " + b"1" * 5000, "is not valid TOML"),
        (b"a = nan", "is not finite"),
        (b"a = [1.0, [inf]]", "is not finite"),
        (b"a = " + b"[" * 100_000, "nested deeper|not valid TOML"),
        (b".".join([b"a"] * 20) + b" = 1", f"nested deeper than {DEEPEST_FILE}"),
        (b"#" * (LARGEST_FILE + 1), "larger than"),
    ],
)
def test_a_hostile_file_is_refused(raw, message):
    with pytest.raises(BadInput, match=message):
        parse_toml(raw, "a.toml")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_card(tmp_path / "none.toml", "insults")


def test_a_source_has_a_title_and_a_link_and_no_other_keys(tmp_path):
    file = tmp_path / "somebody_2001.toml"
    file.write_text(
        'title = "A paper"\nlink = "doi:10.1"\nyear = 2001\nread = "abstract"\n', encoding="utf-8"
    )
    source = read_source(file)
    assert (source.key, source.year, source.standing) == ("somebody_2001", 2001, "current")
    for number_of_file, text in enumerate(
        ('title = "A paper"', 'link = "doi:10.1"', 'title = "A"\nlink = "l"\npages = 3')
    ):
        bad = tmp_path / f"bad_{number_of_file}.toml"
        bad.write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match=r"bad_\d\.toml"):
            read_source(bad)


def test_the_geometric_spread_is_that_of_a_lognormal():
    assert number(subjects="20 %").subjects == pytest.approx(math.sqrt(math.log(1.04)))


def test_a_former_or_misspelt_name_finds_the_number_of_now():
    names = ["cells.ohc.susceptibility", "cells.synapse.susceptibility", "cells.ohc.death"]
    assert near("cells.synapse.frailty", names) == ["cells.synapse.susceptibility"]
    assert near("cells.ohc.deaht", names)[0] == "cells.ohc.death"
    assert near("unheard", names) == []
