from laboratory import Sample

A_FILE = """\
Test name: X,Date: 5/14/2021,Time: 3:29:50 PM

ID1: x,ID2: Plate 1,ID3: x,
Absorbance

Raw Data (450 1)

,1,2,3,4
A,0.073,0.082,0.501,0.509
B,1.045,1.067,1.803,1.811
"""
B_FILE = """\
User: USER,Path: x,Test ID: 7
Test Name: X,Date: 5/14/2021,Time: 3:29:50 PM
ID1: lot,ID2: Plate 2,ID3:
Fluorescence (FI)

Well Row,Well Col,Content,Raw Data (485/520)
A,01,Sample X1,1200
A,02,Blank B,30
"""
FILES = [
    Sample(
        "mars.csv",
        A_FILE.encode(),
        rows=8,
        refused=0,
        holds=(("plate", "Plate 1"), ("well", "A1"), ("read", "Raw Data (450 1)"), ("value", 0.073)),
    ),
    Sample(
        "table.csv",
        B_FILE.encode(),
        rows=2,
        refused=0,
        holds=(("well", "A1"), ("sample", "Sample X1"), ("value", 1200.0)),
    ),
]
