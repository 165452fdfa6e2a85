"""The sheet of animals that a laboratory fills in: a row a subject, and one a file that names none."""

import pandas as pd

from otosome.laboratory.animals import COLUMNS, template


def test_a_template_has_each_subject_once_with_its_one_group_and_files_without_a_subject_by_name():
    first = pd.DataFrame(
        {
            "subject": ["m2", "m1", "m2", ""],
            "file": ["a", "a", "b", "z"],
            "group": ["noise", "", "noise", "quiet"],
        }
    )
    second = pd.DataFrame(
        {"subject": ["m1", "", "m3", "m3"], "file": ["c", "y", "c", "c"], "group": ["quiet", "", "a", "b"]}
    )
    sheet = template([first, second])
    assert tuple(sheet.columns) == COLUMNS
    told = sheet[["subject", "file", "group"]].to_records(index=False).tolist()
    # A subject in two groups is left for the laboratory to place.
    assert told == [
        ("m1", "", "quiet"), ("m2", "", "noise"), ("m3", "", ""), ("subject-1", "y", ""), ("subject-2", "z", ""),
    ]  # fmt: skip
