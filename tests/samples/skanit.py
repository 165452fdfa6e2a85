from laboratory import Sample

FILES = [
    Sample(
        'skanit.csv', b'Measurement results\nMR_1.skax\n01/02/2024\n\nAbsorbance 1\nWavelength: 450 nm\nPlate 1\nAbs;1;2;3\nA;0,1;0,2;0,3\nB;0,4;0,5;0,6\n\nSample;1;2;3\nA;Un1;Un1;Un2\n',
        rows=6, refused=0, holds=(('plate', 'Plate 1'), ('well', 'A1'), ('read', 'Abs 450 nm'), ('value', 0.1)),
    ),
]  # fmt: skip
