"""A result as a record states it: numbers, bounds and errors, and what is none of them."""

import pytest

from otosome.errors import BadInput
from otosome.lots.statement import stated


def of(text: str, unit: str = "ug/uL"):
    return stated(text, unit, "1 ug/mL", "lot.toml", "residue")


@pytest.mark.parametrize(
    ("text", "sign", "value", "error"),
    [
        ("5 ug/mL", "", 5e-3, None),
        ("< 5 ug/mL", "<", 5e-3, None),
        (">0.2 ug/uL", ">", 0.2, None),
        ("0 ug/mL", "", 0.0, None),
        ("5 ug/mL +/- 10 %", "", 5e-3, 0.1),
        ("5 ug/mL ± 2.5%", "", 5e-3, 0.025),
        ("5 ug/mL ± 999 %", "", 5e-3, 9.99),
    ],
)
def test_a_number_is_read_in_the_house_unit_with_its_sign_and_error(text, sign, value, error):
    assert of(text) == (sign, pytest.approx(value), error if error is None else pytest.approx(error))


@pytest.mark.parametrize(
    "text",
    [
        "-5 ug/mL", "5 ug/mL ± 0 %", "5 ug/mL ± 1000 %", "5 ug/mL ± 1050 %", "0 ug/mL ± 10 %", "much", "",
        "5 mm", "5 ug/mL ± 10",
    ],
)  # fmt: skip
def test_what_is_negative_has_no_error_above_zero_or_another_unit_is_refused(text):
    with pytest.raises(BadInput) as refusal:
        of(text)
    assert (refusal.value.file, refusal.value.key) == ("lot.toml", "residue")
