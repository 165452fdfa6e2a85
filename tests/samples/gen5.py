from laboratory import Sample

FILES = [
    Sample(
        'gen5.txt', b'Software Version\t3.11.19\n\nExperiment File Path:\ty.xpt\nPlate Number\tPlate 1\nDate\t5/14/2021\nReader Type:\tSynergy H1\n\nResults\n\t1\t2\t3\nA\t0.1\t0.2\t0.3\t450\n\t0.01\t0.02\t0.03\t570\nB\t1.1\t1.2\tOVRFLW\t450\n\t0.11\t0.12\t0.13\t570\n',
        rows=11, refused=1, holds=(('plate', 'Plate 1'), ('well', 'A1'), ('read', '450'), ('value', 0.1)),
    ),
    Sample(
        'list.txt', b'Software Version\t3.08.01\n\nProtocol File Path:\ty.prt\nPlate Number\tPlate 2\n\nResults\nWell\tWell ID\t450\nA1\tSPL1\t0,5\nB12\tSPL2\t1,25\n',
        rows=2, refused=0, holds=(('plate', 'Plate 2'), ('well', 'A1'), ('value', 0.5)),
    ),
]  # fmt: skip
