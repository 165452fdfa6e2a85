from laboratory import Sample

A_FILE = """\
Application: Tecan i-control,,,,"Tecan i-control , 1.11.1.0",,
Device: infinite 200Pro,,,,Serial number: 1409002252,,
Label: Label1,,,,,,
Mode,,,,Absorbance,,
Measurement Wavelength,,,,450,nm,
<>,1,2,3
A,0.1,0.2,OVER
B,0.3,0.4,0.5

"""
B_FILE = """\
<>	1	2	3
A	0.1	0.2	0.3
B	0.4	0.5	0.6

Date: 2/14/2024
"""
C_FILE = """\
Application: Tecan i-control,,,
Mode,Absorbance,,
OD600:600,,,
Cycle Nr.,Time [s],Temp. [C],A1,A2
1,0,37.2,0.1,0.2
2,300,37,0.4,OVER
"""
FILES = [
    Sample(
        "icontrol.csv",
        A_FILE.encode(),
        rows=5,
        refused=1,
        holds=(("well", "A1"), ("read", "Label1 450 nm"), ("value", 0.1)),
    ),
    Sample("magellan.txt", B_FILE.encode(), rows=6, refused=0, holds=(("well", "A1"), ("value", 0.1))),
    Sample(
        "kinetic.csv",
        C_FILE.encode(),
        rows=3,
        refused=1,
        holds=(("well", "A1"), ("read", "OD600:600 at 0"), ("value", 0.1)),
    ),
]
