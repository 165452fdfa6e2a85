from laboratory import Sample

A_FILE = """\
Measurement results
MR_1.skax
01/02/2024

Absorbance 1
Wavelength: 450 nm
Plate 1
Abs;1;2;3
A;0,1;0,2;0,3
B;0,4;0,5;0,6

Sample;1;2;3
A;Un1;Un1;Un2
"""
FILES = [
    Sample(
        "skanit.csv",
        A_FILE.encode(),
        rows=6,
        refused=0,
        holds=(("plate", "Plate 1"), ("well", "A1"), ("read", "Abs 450 nm"), ("value", 0.1)),
    ),
]
