from laboratory import Sample

FILES = [
    Sample(
        'enspire.csv', b'Plate information\nPlate,Barcode,Measured height\n1,x,14.35\n\nNo background information available.\nResults for Meas A -  (RFU)\n,01,02,03,\nA,101,102,103,\nB,201,202,203,\n\nBasic assay information\nNumber of rows,,,,8\n',
        rows=6, refused=0, holds=(('well', 'A1'), ('read', 'Meas A - (RFU)'), ('value', 101.0)),
    ),
]  # fmt: skip
