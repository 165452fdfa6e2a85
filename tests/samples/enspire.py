from laboratory import Sample

A_FILE = """\
Plate information
Plate,Barcode,Measured height
1,x,14.35

No background information available.
Results for Meas A -  (RFU)
,01,02,03,
A,101,102,103,
B,201,202,203,

Basic assay information
Number of rows,,,,8
"""
FILES = [
    Sample(
        "enspire.csv",
        A_FILE.encode(),
        rows=6,
        refused=0,
        holds=(("well", "A1"), ("read", "Meas A - (RFU)"), ("value", 101.0)),
    ),
]
