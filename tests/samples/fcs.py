from laboratory import Sample

EVENTS = 50


def cytometry(volume="$VOL/1000/"):
    """FCS 3.1 of two channels of 32-bit floats; ``volume`` in nL."""
    data = bytes(4 * 2 * EVENTS)
    start, text = 256, ""
    for _ in range(3):  # the positions stand in the text whose length they depend on
        begin = start + len(text)
        end = begin + len(data) - 1
        text = (
            f"/$BEGINANALYSIS/0/$ENDANALYSIS/0/$BEGINSTEXT/0/$ENDSTEXT/0/$BEGINDATA/{begin}/$ENDDATA/{end}/$MODE/L/"
            f"$DATATYPE/F/$BYTEORD/1,2,3,4/$PAR/2/$TOT/{EVENTS}/$NEXTDATA/0/$SMNO/lot 7/{volume}"
            "$P1N/SSC-A/$P1B/32/$P1E/0,0/$P1R/1024/$P2N/FITC-A/$P2B/32/$P2E/0,0/$P2R/1024/"
        )
    places = [start, start + len(text) - 1, begin, end, 0, 0]
    head = "FCS3.1    " + "".join(f"{place:8d}" for place in places)
    return head.ljust(start).encode() + text.encode() + data


FILES = [
    Sample(
        "lot7.fcs", cytometry(), rows=1, holds=(("sample", "lot 7"), ("count", 50.0), ("concentration", 50.0))
    ),
    Sample("no volume.fcs", cytometry(""), rows=1, holds=(("count", 50.0),)),
]
