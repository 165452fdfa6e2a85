from laboratory import Sample

HEAD = (
    "##BLOCKS= 1\r\nPlate:\tPlate01\t1.3\t{form}\t{kind}\tAbsorbance\tRaw\tFALSE\t1"
    "\t\t\t\t\t\t1\t{waves}\t1\t2\t4\t{row}\t2\t\t\r\n"
)


def text(form, kind, waves, body, row=1):
    return (
        HEAD.format(form=form, kind=kind, waves=waves, row=row)
        + "".join("\t".join(line) + "\r\n" for line in body)
        + "\r\n~End\r\n"
    )


TWO = text(
    "PlateFormat",
    "Endpoint",
    "450 570",
    [
        ["", "Temperature(\u00a1C)", "1", "2", "", "1", "2", ""],
        ["", "25.0", "0.07", "0.08", "", "0.01", "0.02", ""],
        ["", "", "1.04", "1.06", "", "0.03", "0.04", ""],
    ],
    row=3,
)
KINETIC = text(
    "TimeFormat",
    "Kinetic",
    "450",
    [
        ["Time(hh:mm:ss)", "Temperature(\u00a1C)", "A1", "A2"],
        ["00:00:00", "25.0", "0.07", "0.08"],
        ["00:05:00", "25.0", "0.17", "#SAT"],
    ],
)
FILES = [
    Sample(
        "softmax.txt",
        b"\xff\xfe" + TWO.encode("utf-16-le"),
        rows=8,
        holds=(("plate", "Plate01"), ("well", "C1"), ("read", "Absorbance 450 nm"), ("value", 0.07)),
    ),
    Sample(
        "kinetic.txt",
        KINETIC.encode(),
        rows=3,
        refused=1,
        holds=(("well", "A1"), ("read", "Absorbance 450 nm at 00:00:00"), ("value", 0.07)),
    ),
]
