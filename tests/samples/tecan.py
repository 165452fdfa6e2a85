from laboratory import Sample

FILES = [
    Sample(
        'icontrol.csv', b'Application: Tecan i-control,,,,"Tecan i-control , 1.11.1.0",,\nDevice: infinite 200Pro,,,,Serial number: 1409002252,,\nLabel: Label1,,,,,,\nMode,,,,Absorbance,,\nMeasurement Wavelength,,,,450,nm,\n<>,1,2,3\nA,0.1,0.2,OVER\nB,0.3,0.4,0.5\n\n',
        rows=5, refused=1, holds=(('well', 'A1'), ('read', 'Label1 450 nm'), ('value', 0.1)),
    ),
    Sample(
        'magellan.txt', b'<>\t1\t2\t3\nA\t0.1\t0.2\t0.3\nB\t0.4\t0.5\t0.6\n\nDate: 2/14/2024\n',
        rows=6, refused=0, holds=(('well', 'A1'), ('value', 0.1)),
    ),
    Sample(
        'kinetic.csv', b'Application: Tecan i-control,,,\nMode,Absorbance,,\nOD600:600,,,\nCycle Nr.,Time [s],Temp. [C],A1,A2\n1,0,37.2,0.1,0.2\n2,300,37,0.4,OVER\n',
        rows=3, refused=1, holds=(('well', 'A1'), ('read', 'OD600:600 at 0'), ('value', 0.1)),
    ),
]  # fmt: skip
