from laboratory import Sample

A_FILE = """\
Software Version	3.11.19

Experiment File Path:	y.xpt
Plate Number	Plate 1
Date	5/14/2021
Reader Type:	Synergy H1

Results
	1	2	3
A	0.1	0.2	0.3	450
	0.01	0.02	0.03	570
B	1.1	1.2	OVRFLW	450
	0.11	0.12	0.13	570
"""
B_FILE = """\
Software Version	3.08.01

Protocol File Path:	y.prt
Plate Number	Plate 2

Results
Well	Well ID	450
A1	SPL1	0,5
B12	SPL2	1,25
"""
FILES = [
    Sample(
        "gen5.txt",
        A_FILE.encode(),
        rows=11,
        refused=1,
        holds=(("plate", "Plate 1"), ("well", "A1"), ("read", "450"), ("value", 0.1)),
    ),
    Sample(
        "list.txt",
        B_FILE.encode(),
        rows=2,
        refused=0,
        holds=(("plate", "Plate 2"), ("well", "A1"), ("value", 0.5)),
    ),
]
