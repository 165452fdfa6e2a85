import struct

from laboratory import Sample, table

NAMES = ["SEQN", "AUXU1K1R", "AUXU1K2R", "AUXU8KL"]
ROWS = [[62161, 35, 30, 60], [62164, 0, 666, 888], [62169, "", 10, 666]]


def ibm(value):
    """A number in IBM floating point; a blank is the missing value of SAS."""
    if value == "":
        return b"." + bytes(7)
    if value == 0:
        return bytes(8)
    power, fraction = 0, float(value)
    while fraction >= 1:
        power, fraction = power + 1, fraction / 16
    return bytes([64 + power]) + int(fraction * 2**56).to_bytes(7, "big")


def card(text):
    """A record of 80 characters."""
    return text.encode().ljust(80)


def transport(names=NAMES, rows=ROWS):
    """A SAS transport file of version 5, numbers of 8 bytes only."""
    head = card("HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + "0" * 30)
    head += card("SAS     SAS     SASLIB  9.4") + card("01JAN24:00:00:00")
    head += card("HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!000000000000000001600000000140")
    head += card("HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!" + "0" * 30)
    head += card("SAS     AUX_G   SASDATA 9.4") + card("01JAN24:00:00:00")
    head += card(
        f"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!000000{len(names):04d}00000000000000000000"
    )
    strings = b""
    for i, name in enumerate(names):
        words = (name.encode().ljust(8), b" " * 40, b" " * 8)
        form = (0, 0, 0, b"", b" " * 8, 0, 0, 8 * i)
        start = struct.pack(">hhhh8s40s8shhh2s8shhi", 1, 0, 8, i + 1, *words, *form)
        strings += start.ljust(140, b"\0")
    head += strings.ljust(-(-len(strings) // 80) * 80)
    head += card("HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + "0" * 30)
    body = b"".join(ibm(value) for row in rows for value in row)
    return head + body.ljust(-(-len(body) // 80) * 80)


# 35, 0; 30, no response, 10; 60, no response: seven, and one that could not be obtained.
HOLDS = (("subject", "62161"), ("ear", "right"), ("frequency", 1.0), ("value", 35.0), ("unit", "dB HL"))
FILES = [
    Sample("AUX_G.csv", table(NAMES, *ROWS), rows=7, refused=1, censored=2, holds=HOLDS),
    Sample("AUX_G.xpt", transport(), rows=7, refused=1, censored=2, holds=HOLDS),
]
