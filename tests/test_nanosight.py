"""NanoSight exports: what is read, what is flagged, what is refused and why."""

from __future__ import annotations

import hashlib
import runpy
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otosome.catalog import get
from otosome.laboratory.file import LARGEST, Export
from otosome.shelves.instruments.nanosight import NanoSight, read, recognises

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
EXAMPLE = ROOT / "examples" / "nanosight_export.csv"
TEXT = EXAMPLE.read_text(encoding="latin-1")
COLUMNS = [
    "sample",
    "replicate",
    "diameter",
    "count",
    "concentration",
    "dilution_applied",
    "recorded",
    "flag",
    "file",
    "sha256",
]


def real(*parts: str) -> Path:
    file = REAL.joinpath(*parts)
    if not file.is_file():
        pytest.skip(f"{file.name} is not here: it is not ours to pass on")
    return file


def written(folder: Path, content: str | bytes, name: str = "export.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
    return file


def changed(folder: Path, *swaps: tuple[str, str]) -> Path:
    text = TEXT
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    return written(folder, text)


def printed(table) -> np.ndarray:
    """Particles/mL of each video."""
    return 1000 * table.groupby("replicate")["concentration"].sum().to_numpy()


def six_blocks(text: str) -> str:
    """The layout of an export with every distribution: number first, then surface, volume, and diffusion."""
    head, block = text.split("Weighting,Number,\n")
    block = block.removesuffix(",\n")
    number = "Concentration (particles / ml)"
    others = [
        f"Weighting,{weighting},\n" + block.replace(number, column).replace("Bin centre (nm)", bins)
        for bins in ("Bin centre (nm)", "Bin centre (E4 nm²/s)")
        for weighting, column in (
            ("Surface Area", "Surface area conc. (nm² / ml)"), ("Volume", "Volume conc. (nm³ / ml)"),
        )
    ]  # fmt: skip
    diffusion = "[Diffusion Coefficient Data],,\nAnalysis Method,FTLA,\nWeighting,Number,\n" + block.replace(
        "Bin centre (nm)", "Bin centre (E4 nm²/s)"
    )
    return ",\n".join([f"{head}Weighting,Number,\n{block}", *others[:2], diffusion, *others[2:], ""])


# What is read


def test_an_export_becomes_one_row_for_each_video_and_bin():
    table = read(EXAMPLE)
    assert list(table.columns) == COLUMNS
    assert len(table) == 5 * 1000
    assert set(table["sample"]) == {"otosome example"}
    assert set(table["file"]) == {"nanosight_export.csv"}
    assert set(table["sha256"]) == {hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()}
    assert table.attrs["units"] == {"diameter": "mm", "concentration": "particles/uL"}


def test_bins_are_in_house_units_and_add_up_to_the_printed_concentration():
    table = read(EXAMPLE)
    assert table["diameter"].iloc[[0, 999]].to_numpy() == pytest.approx([0.5e-6, 999.5e-6])
    # Three digits are printed.
    assert printed(table) == pytest.approx([4.07e11, 4.07e11, 4.00e11, 4.03e11, 3.96e11], rel=2e-3)


def test_tracks_are_shared_out_over_the_bins():
    count = read(EXAMPLE).groupby("replicate")["count"].sum()
    assert count.to_numpy() == pytest.approx([1829, 1806, 1804, 1733, 1868])


def test_a_dilution_is_stated_not_applied_again():
    assert set(read(EXAMPLE)["dilution_applied"]) == {1000.0}


def test_of_six_distributions_the_first_by_number_is_read(tmp_path):
    six = read(written(tmp_path, six_blocks(TEXT)))
    columns = ["replicate", "diameter", "count", "concentration"]
    assert six[columns].equals(read(EXAMPLE)[columns])


def test_a_distribution_by_number_is_found_behind_another(tmp_path):
    head, block = TEXT.split("Weighting,Number,\n")
    other = block.replace("Concentration (particles / ml)", "Volume conc. (nm³ / ml)")
    both = read(written(tmp_path, f"{head}Weighting,Volume,\n{other}Weighting,Number,\n{block}"))
    assert printed(both) == pytest.approx(printed(read(EXAMPLE)))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_mark_and_trailing_commas_change_nothing(tmp_path, line_end):
    text = "\xef\xbb\xbf" + TEXT.replace("\n", ",,,\n").replace("\n", line_end)
    assert printed(read(written(tmp_path, text))) == pytest.approx(printed(read(EXAMPLE)))


def test_rows_before_a_section_do_not_move_it(tmp_path):
    more = changed(tmp_path, ("[Conditions]", "Camera,\nOperator note,one,two,\n\n\n[Conditions]"))
    assert printed(read(more)) == pytest.approx(printed(read(EXAMPLE)))


def test_the_older_layout_is_read_too(tmp_path):
    older = changed(
        tmp_path, ("Sample Description", "Sample Name"), (",1.00e+03", ",Not recorded"),
        ("Bin centre (nm),Conc", "Bin centre (nm), Conc"), ("\n\nPercentile", "\n,,,,,,\nPercentile"),
    )  # fmt: skip
    assert set(read(older)["sample"]) == {"otosome example"}


def test_names_inside_the_file_are_only_text(tmp_path):
    name = '=HYPERLINK("x")</script>../../etc'
    quoted = name.replace('"', '""')
    table = read(changed(tmp_path, ("otosome example,", f'"{quoted}",')))
    assert set(table["sample"]) == {name}
    assert set(table["file"]) == {"export.csv"}


# What is flagged


def test_nothing_is_flagged_where_the_instrument_warns_of_nothing():
    assert set(read(EXAMPLE)["flag"]) == {""}


def test_a_dilution_not_recorded_is_read_as_printed_and_flagged(tmp_path):
    table = read(changed(tmp_path, (",1.00e+03", ",Not recorded")))
    assert table["dilution_applied"].isna().all()
    assert set(table["flag"]) == {"Dilution factor: Not recorded"}
    assert printed(table) == pytest.approx(printed(read(EXAMPLE)))


def test_be_cautious_is_read_and_flagged_on_its_video_only(tmp_path):
    cautious = "Validity of concentration measurement,OK,Be cautious of data due to noise,"
    table = read(changed(tmp_path, ("Validity of concentration measurement,OK,OK,", cautious)))
    flags = table.groupby("replicate")["flag"].first()
    assert "Be cautious of data due to noise" in flags[2]
    assert set(flags.drop(2)) == {""}


def test_a_validity_that_is_not_stated_is_flagged(tmp_path):
    row = "Validity of concentration measurement,OK,OK,OK,OK,OK,\n"
    assert set(read(changed(tmp_path, (row, "")))["flag"]) == {
        "Validity of concentration measurement: not stated"
    }


def test_vibration_and_mixed_camera_levels_are_flagged(tmp_path):
    table = read(
        changed(
            tmp_path,
            ("Vibration detected,No,", "Vibration detected,High vibration,"),
            ("Level,14", "Level,15"),
        )
    )
    flags = table.groupby("replicate")["flag"].first()
    assert flags[1] == "Vibration detected: High vibration; Camera Level: 15, others differ"
    assert flags[2] == "Camera Level: 14, others differ"


# What is refused, and that the message helps


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("surement,OK,OK,OK,OK,OK", "surement" + 5 * ",Unreliable", ["'Unreliable'", "video 1", "measure again"]),
        ("Bin centre (nm)", "Bin centre (um)", ["Bin centre (um)", "Bin centre (nm)"]),
        ("Weighting,Number", "Weighting,Volume", ["Graph Data", "by number"]),
        ("[Size Data]", "[Other Data]", ["none weighted by number"]),
        (",1.00e+03,1.00e+03", ",0.5,1.00e+03", ["Dilution factor", "0.5", "1 or more"]),
        (",1.00e+03,1.00e+03", ",ten,1.00e+03", ["Dilution factor", "'ten'"]),
        (",4.07e+11,4.07e+11", ",4.07e+12,4.07e+11", ["4.07e+12", "add up to", "4.07e+11"]),
        ("\n100.5,", "\n99.5,", ["out of order"]),
        ("\n999.5,", "\n1e30,", ["1e+30 nm", "100000 nm"]),
        ("\n100.5,", "\n100.5,nan,", ["'nan'", "finite"]),
        ("\n100.5,", "\n100.5,-7,", ["'-7'", "not negative"]),
        ("\n100.5,", "\n100.5,1e999,", ["'1e999'", "finite"]),
        ("\n100.5,", "\n100.5,1_000,", ["'1_000'"]),
        ("\n100.5,", '\n"100,5",', ["'100,5'", "decimal point"]),
        ("\n100.5,", "\n100.5\n", ["cut short", "1 cells of 6"]),
        (",Average,Standard Error,\nMean", ",with,Average,Standard Error,\nMean", ["6 videos", "comma"]),
        ("measurement,OK,OK,OK,OK,OK", "measurement,OK,OK", ["2 values", "5, one a video"]),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_with_file_given_and_allowed(tmp_path, old, new, says):
    with pytest.raises(ValueError, match=r"export\.csv: .*given: .*allowed: ") as refused:
        read(changed(tmp_path, (old, new)))
    for words in says:
        assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \r\n\t\n", "is empty"),
        (b"NTA Experiment Summary File\0,", "binary"),
        (b"PK\x03\x04 not text", "line 1"),
        (b"a,b,c\n1,2,3\n", "'a,b,c'"),
        (b"Original File:\tx.avi\nSoftware:\tZetaView (version 8.05)\n", "line 1"),
        (b"NTA Experiment Summary File;\n[Results];1;\n", "commas"),
        (b"NTA Experiment Summary File,\n", "none weighted by number"),
        (b"NTA Experiment Summary File" + b"," * 2_000_000, "a line of more than"),
        (b'NTA Experiment Summary File\n"' + b"x\n" * 100_000, "none weighted by number"),
        (b"NTA Experiment Summary File" + b"\n" * 5_000_000, "more than 60000 lines"),
        (b"NTA Experiment Summary File\n" + b"k,1\n" * 5_000_000, "more than 60000 lines"),
        (b"NTA Experiment Summary File\n" + b"".join(b"k%d,1\n" % i for i in range(3000)), "2000 keys"),
    ],
)
def test_what_is_no_export_is_refused_with_a_reason(tmp_path, content, says):
    with pytest.raises(ValueError, match=says):
        read(written(tmp_path, content))


def test_a_file_too_large_is_refused_before_it_is_parsed(tmp_path):
    file = written(tmp_path, TEXT)
    with file.open("ab") as stream:
        stream.truncate(LARGEST + 1)
    began = time.perf_counter()
    with pytest.raises(ValueError, match=f"more than {LARGEST:,} bytes"):
        read(file)
    assert time.perf_counter() - began < 2


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="cannot be read"):
        read(tmp_path)


def test_an_empty_video_is_refused_and_names_the_vehicle(tmp_path):
    rows = [line.split(",") for line in TEXT.split("\n")]
    for row in rows:
        if len(row) == 9 and row[0].endswith(".5"):
            row[2] = "0"
    with pytest.raises(ValueError, match=r"no particle in any bin.*vehicle"):
        read(written(tmp_path, "\n".join(map(",".join, rows))))


def test_more_particles_than_a_millilitre_holds_are_refused(tmp_path):
    rows = [line.split(",") for line in TEXT.split("\n")]
    for row in rows:
        if row[0].startswith("Concentration (P") or (len(row) == 9 and row[0].endswith(".5")):
            row[1:8] = [cell and f"{1e5 * float(cell):.6e}" for cell in row[1:8]]
    with pytest.raises(ValueError, match="fit into a millilitre"):
        read(written(tmp_path, "\n".join(map(",".join, rows))))


def test_absurd_numbers_of_bins_are_refused(tmp_path):
    head, block = TEXT.split("0.5,0,0,0,0,0,0,0,\n", 1)
    _, percentiles = block.split("\n\nPercentile")
    few = "".join(f"{i + 0.5},1,1,1,1,1,1,0,\n" for i in range(9))
    many = "".join(f"{i + 0.5},1,1,1,1,1,1,0,\n" for i in range(20_001))
    for bins, says in ((few, "given: 9"), (many, "more than 20000"), ("", "given: 0")):
        with pytest.raises(ValueError, match=says):
            read(written(tmp_path, f"{head}{bins}\nPercentile{percentiles}"))


@given(st.integers(0, len(TEXT) - 12))
@settings(max_examples=60, deadline=None)
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, length):
    file = written(tmp_path_factory.getbasetemp(), TEXT[:length], "cut.csv")
    with pytest.raises(ValueError, match=r"cut\.csv"):
        read(file)


@st.composite
def mutated(draw) -> bytes:
    content = bytearray(EXAMPLE.read_bytes())
    for _ in range(draw(st.integers(1, 4))):
        # Half of the changes fall into the head, which is a twentieth of the file.
        start = draw(st.one_of(st.integers(0, 3000), st.integers(0, len(content))))
        stop = start + draw(st.sampled_from([0, 1, 2, 20, 3000]))
        piece = draw(
            st.one_of(
                st.binary(max_size=20),
                st.sampled_from([b"", b"\n", b",", b'"', b"-", b"e9", b"nan", b"\xb2"]),
                st.sampled_from([b"[Size Data]", b"Graph Data,\n", b"Percentile,", b"Unreliable"]),
            )
        )
        content[start:stop] = piece * draw(st.sampled_from([1, 1, 1, 500]))
    return bytes(content)


@given(mutated())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_give_a_table_or_a_refusal_and_quickly(tmp_path_factory, content):
    file = written(tmp_path_factory.getbasetemp(), content, "mutated.csv")
    began = time.perf_counter()
    table, refusal = None, ""
    try:
        table = read(file)
    except ValueError as error:
        refusal = str(error)
    if table is None:
        assert "mutated.csv" in refusal
        assert len(refusal) < 2000
    else:
        assert list(table.columns) == COLUMNS
        assert np.isfinite(table["concentration"]).all()
        assert (table["concentration"] >= 0).all()
        assert (table["diameter"] > 0).all()
    # A whole file takes 50 ms; the rest is for a busy machine.
    assert time.perf_counter() - began < 2


@given(st.binary(max_size=300))
def test_recognising_never_fails(head):
    assert recognises(head) in (True, False)


# Who it is


def test_only_its_own_exports_are_recognised():
    assert recognises(EXAMPLE.read_bytes()[:512])
    assert recognises(b"\xef\xbb\xbfNTA Experiment Summary File,")
    assert not recognises(b"Original File:\tx.avi\tSection:")
    assert not recognises(b'about = "a batch"')
    assert not recognises(b"")


def test_the_catalog_finds_the_instrument_and_what_its_count_repeats_to():
    entry = get("instruments", "nanosight")
    assert entry.formula().recognises(EXAMPLE.read_bytes()[:512])
    assert len(entry.formula().read(Export.open(EXAMPLE)).particles) == 5000
    # The mean square of a coefficient anywhere in the published 2 to 25 %.
    day_to_day = entry.parameters("")["day_to_day"].value
    assert day_to_day == pytest.approx(np.sqrt((0.25**3 - 0.02**3) / (3 * 0.23)), rel=0.01)


def test_the_example_says_it_is_no_measurement_and_is_what_its_script_writes():
    assert "Written by otosome" in TEXT
    assert "no measurement" in TEXT
    script = runpy.run_path(str(ROOT / "examples" / "make_nanosight_export.py"))
    assert "no measurement" in script["__doc__"]
    assert script["export"]() == TEXT


# Real files, where they are


@pytest.mark.parametrize(
    ("file", "sample", "videos", "mean", "error", "dilution"),
    [
        ("beads.csv", "std_combined.nano", 12, 1.47e9, 1.07e8, np.nan),
        ("beads2.csv", "100nmbeads", 5, 6.09e12, 6.67e10, 1e4),
    ],
)
def test_beads_give_the_concentration_and_error_the_instrument_printed(
    file, sample, videos, mean, error, dilution
):
    table = read(real("nta_nanosight", file))
    counts = printed(table)
    assert set(table["sample"]) == {sample}
    assert counts.size == videos
    assert counts.mean() == pytest.approx(mean, rel=5e-3)
    assert counts.std(ddof=1) / np.sqrt(videos) == pytest.approx(error, rel=0.02)
    assert table["dilution_applied"].iloc[0] == pytest.approx(dilution, nan_ok=True)
    assert ("Not recorded" in table["flag"].iloc[0]) == bool(np.isnan(dilution))


@pytest.mark.parametrize(
    ("file", "mean", "cautious"),
    [
        ("ATCC_24h_C_LS 2020-09-18 11-36-53-ExperimentSummary.csv", 9.40e7, [2]),
        ("HOT1A3_144h_B_LS 2020-09-21 11-54-59-ExperimentSummary.csv", 7.74e7, [1, 2]),
        ("MIT_24h_C_LS 2020-09-23 11-05-54-ExperimentSummary.csv", 1.48e8, [1, 2, 3, 4]),
    ],
)
def test_real_vesicles_are_read_and_cautious_videos_flagged(file, mean, cautious):
    table = read(real("nta_nanosight_vesicles", file))
    assert printed(table).mean() == pytest.approx(mean, rel=5e-3)
    flags = table.groupby("replicate")["flag"].first()
    assert [video for video, flag in flags.items() if "Be cautious" in flag] == cautious
    assert all("Dilution factor: Not recorded" in flag for flag in flags)


def test_a_video_that_the_instrument_calls_unreliable_is_left_out_and_named():
    text = TEXT
    other = text.replace("surement,OK,OK,OK", "surement,OK,OK,Unreliable")
    tables = NanoSight.read(Export("a.csv", other.encode()))
    assert sorted(tables.particles["replicate"].unique()) == [1, 2, 4, 5]
    (left,) = tables.refused
    assert left.place.startswith("video 3 (")
    assert left.given == "Unreliable"
    # The others are as they were.
    every = NanoSight.read(Export("a.csv", text.encode())).particles
    kept = every[every["replicate"] != 3]
    assert tables.particles["concentration"].to_numpy() == pytest.approx(kept["concentration"].to_numpy())


def test_real_vesicles_the_instrument_calls_unreliable_are_left_out_or_refused():
    file = "BS_12h_A_LS 2020-09-24 14-06-52-ExperimentSummary.csv"
    tables = NanoSight.read(Export.open(real("nta_nanosight_vesicles", file)))
    assert [one.place[:7] for one in tables.refused] == ["video 1"]
    assert sorted(tables.particles["replicate"].unique()) == [2, 3, 4]
    every = "AD_12h_B_LS 2020-10-27 11-33-44-ExperimentSummary.csv"
    with pytest.raises(ValueError, match=r"video 1 .*given: 'Unreliable'"):
        read(real("nta_nanosight_vesicles", every))


def test_a_real_zetaview_export_is_refused_by_name():
    file = real("nta_zetaview", "Sample1_35nm_1-5pool.txt")
    assert not recognises(file.read_bytes()[:512])
    with pytest.raises(ValueError, match=r"line 1: .*NanoSight NTA software"):
        read(file)
