"""What a body bears: one limit for a dose however it is written, summed over a day, and the nearest number there is."""

from __future__ import annotations

import pytest

import otosome
from otosome.errors import BadInput

STUDY = """
otosome = "study/1"
title = "t"
question = "q"
species = "{species}"
until = "10 d"

[insult.course]
entry = "{entry}"
{lines}
at = {at}

[[arm]]
name = "a"
insults = ["course"]

[measure.abr]
endpoint = "{endpoint}"
frequency = ["8 kHz"]
at = ["9 d"]
"""


@pytest.fixture
def load(tmp_path):
    def load(lines, species="mouse", entry="cisplatin", at='["0 h"]', more=""):
        endpoint = "audiogram" if species == "human" else "abr_threshold"
        file = tmp_path / "study.toml"
        text = STUDY.format(lines=lines, species=species, entry=entry, at=at, endpoint=endpoint)
        file.write_text(text + more, encoding="utf-8")
        return otosome.load(str(file))

    return load


def deaths(study):
    return [note for note in study.notes if "no death is counted" in note]


def by_vein(amount):
    return f'route = "intravenous"\namount = "{amount}"'


# Half of mice die of 11 mg/kg by vein; a mouse weighs what the shelf says, and has 3 kg/m2.
BODY = otosome.get("species", "mouse").card.parameter("body_mass", "mouse").value


@pytest.mark.parametrize(
    "amount",
    ["{} mg/kg", lambda x: f"{3 * x:.6f} mg/m2", lambda x: f"{x * BODY:.9f} mg"],
    ids=["kg", "m2", "all"],
)
def test_a_dose_is_the_same_however_it_is_written(load, amount):
    def written(dose):
        return by_vein(amount.format(dose) if isinstance(amount, str) else amount(dose))

    assert not deaths(load(written(10.9)))
    assert len(deaths(load(written(11.1)))) == 1
    assert len(deaths(load(written(32.9)))) == 1
    with pytest.raises(BadInput, match="would kill the mouse"):
        load(written(33.1))


def test_doses_of_one_day_add_up_and_those_of_two_do_not(load):
    assert not deaths(load(by_vein("5.4 mg/kg"), at='["0 h", "23 h"]'))
    assert "1.1 times" in deaths(load(by_vein("6 mg/kg"), at='["0 h", "23 h"]'))[0]
    assert not deaths(load(by_vein("6 mg/kg"), at='["0 h", "24 h"]'))
    assert "1.1 times" in deaths(load(by_vein("6 mg/kg"), at='["0 h", "100 h", "110 h"]'))[0]


SECOND = """
[insult.second]
entry = "{entry}"
{lines}
at = ["{at}"]

[[arm]]
name = "both"
insults = ["course", "second"]
"""


def test_two_tables_of_one_arm_add_up_as_parts_of_what_each_route_bears(load):
    def second(lines, at="12 h", entry="cisplatin"):
        return SECOND.format(lines=lines, at=at, entry=entry)

    six = by_vein("6 mg/kg")  # of 11 by vein
    assert not deaths(load(six, more=second(by_vein("4.9 mg/kg"))))
    (note,) = deaths(load(six, more=second(by_vein("6 mg/kg"))))
    assert "come together to 1.1 times" in note
    assert "insult “course” and the insult “second”" in note
    assert not deaths(load(six, more=second(by_vein("6 mg/kg"), at="24 h")))
    apart = second(by_vein("6 mg/kg")).replace('["course", "second"]', '["second"]')
    assert not deaths(load(six, more=apart))
    with pytest.raises(BadInput, match="would kill the mouse"):
        load(by_vein("17 mg/kg"), more=second(by_vein("17 mg/kg")))
    # One that is too much by itself is said once.
    assert len(deaths(load(by_vein("12 mg/kg"), more=second(by_vein("2 mg/kg"))))) == 1


def test_two_noises_of_one_arm_add_their_energies(load):
    def both(minutes):
        more = SECOND.format(lines=noise(160, f"{minutes} min"), at="2 h", entry="noise")
        return deaths(load(noise(150, "20 min"), entry="noise", more=more))

    # 4 min at 160 dB are borne: 20 min at 150 dB are half of that.
    assert not both(1.9)
    assert "1.0 times" in both(2.1)[0]


def test_a_concentration_in_a_volume_is_a_dose_and_a_fluid(load):
    lines = 'route = "intravenous"\nconcentration = "{} mg/mL"\nvolume = "{} uL"'
    dose = 11.5 * BODY  # mg: just above what kills half, in a fluid that is well borne
    assert len(deaths(load(lines.format(dose / 0.1, 100)))) == 1
    molar = 'route = "intravenous"\nconcentration = "{} mM"\nvolume = "100 uL"'
    assert len(deaths(load(molar.format(dose / 0.1 / 0.30005)))) == 1
    assert not deaths(load(molar.format(dose / 0.1 / 0.30005 * 10 / 11.5)))
    thin = 'route = "intravenous"\namount = "1 mg/kg"\nvolume = "{} uL"'
    assert not deaths(load(thin.format(24.5e3 * BODY)))
    assert "25 mL/kg" in deaths(load(thin.format(25.5e3 * BODY)))[0]
    with pytest.raises(BadInput, match="tolerances/fluid_mouse_vein") as refusal:
        load(thin.format(76e3 * BODY))
    assert "volume" in str(refusal.value)


@pytest.mark.parametrize(
    ("species", "route", "entry"),
    [
        ("mouse", "intravenous", "cisplatin_mouse"),
        ("rat", "intraperitoneal", "cisplatin_rat_peritoneal"),
        ("rat", "subcutaneous", "cisplatin_rat_subcutaneous"),
        ("human", "intravenous", "cisplatin_human"),
        ("rat", "intravenous", "cisplatin_human"),  # the route first, then the largest that is borne
        ("guinea_pig", "intraperitoneal", "cisplatin_rat_peritoneal"),
    ],
)
def test_the_number_is_of_the_route_and_species_or_the_nearest_there_is(load, species, route, entry):
    with pytest.raises(BadInput) as refusal:
        load(f'route = "{route}"\namount = "1000 mg/kg"', species=species)
    assert entry in str(refusal.value)
    assert "check the unit" in str(refusal.value)


def test_people_are_given_what_people_are_given_and_an_accident_is_said(load):
    assert not deaths(load(by_vein("100 mg/m2"), species="human"))
    assert "plasma exchange" in deaths(load(by_vein("400 mg/m2"), species="human"))[0]


def noise(level, duration):
    return f'level = "{level} dB SPL"\nband = ["8 kHz", "16 kHz"]\nduration = "{duration}"'


def test_noise_counts_by_its_energy(load):
    assert not deaths(load(noise(106, "2 h"), entry="noise"))
    assert not deaths(load(noise(160, "3.9 min"), entry="noise"))
    assert len(deaths(load(noise(160, "4.1 min"), entry="noise"))) == 1
    assert len(deaths(load(noise(150, "41 min"), entry="noise"))) == 1
    assert not deaths(load(noise(150, "39 min"), entry="noise"))
    with pytest.raises(BadInput, match="would kill the mouse"):
        load(noise(160, "12.1 min"), entry="noise")
    with pytest.raises(BadInput, match="190 dB SPL for 100 h"):
        load(noise(190, "100 h"), entry="noise")


def test_a_long_noise_counts_for_a_day(load):
    for duration in ("24 h", "200 h"):
        assert (
            "2.3 times" in deaths(load(noise(138, duration), entry="noise"))[0]
        )  # 10^-2.2 of 360 times 4 min


def test_vesicles_come_in_a_fluid_too(load):
    treated = """
[treatment.flood]
batch = "example_lot"
route = "subcutaneous"
volume = "{} uL"
at = ["0 h"]

[[arm]]
name = "b"
insults = ["course"]
treatments = ["flood"]
"""
    quiet = by_vein("1 mg/kg")
    assert not deaths(load(quiet, more=treated.format(39e3 * BODY)))
    assert "treatment “flood”" in deaths(load(quiet, more=treated.format(41e3 * BODY)))[0]
    with pytest.raises(BadInput, match=r"treatment\.flood"):
        load(quiet, more=treated.format(121e3 * BODY))


def test_an_own_shelf_states_what_an_own_drug_does(tmp_path):
    shelf = tmp_path / "own"
    (shelf / "tolerances").mkdir(parents=True)
    (shelf / "tolerances" / "gentle.toml").write_text(
        'about = "a"\nof = "dexamethasone"\n\n[most]\nmeaning = "the dose that kills half"\nvalue = "20 mg/kg"\n'
        'basis = "assumed"\nbecause = "A test."\n',
        encoding="utf-8",
    )
    text = """
otosome = "study/1"
title = "t"
question = "q"
species = "mouse"
until = "1 d"

[drug.pill]
solute = "dexamethasone"
route = "intraperitoneal"
amount = "61 mg/kg"
at = ["0 h"]

[[arm]]
name = "a"
drugs = ["pill"]

[probe.base]
place = 0.1
"""
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    assert not deaths(otosome.load(str(file)))
    with pytest.raises(BadInput, match="tolerances/gentle"):
        otosome.load(str(file), shelves=(shelf,))
