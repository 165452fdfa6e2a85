from laboratory import Sample

FILES = [
    Sample(
        'mars.csv', b'Test name: X,Date: 5/14/2021,Time: 3:29:50 PM\n\nID1: x,ID2: Plate 1,ID3: x,\nAbsorbance\n\nRaw Data (450 1)\n\n,1,2,3,4\nA,0.073,0.082,0.501,0.509\nB,1.045,1.067,1.803,1.811\n',
        rows=8, refused=0, holds=(('plate', 'Plate 1'), ('well', 'A1'), ('read', 'Raw Data (450 1)'), ('value', 0.073)),
    ),
    Sample(
        'table.csv', b'User: USER,Path: x,Test ID: 7\nTest Name: X,Date: 5/14/2021,Time: 3:29:50 PM\nID1: lot,ID2: Plate 2,ID3:\nFluorescence (FI)\n\nWell Row,Well Col,Content,Raw Data (485/520)\nA,01,Sample X1,1200\nA,02,Blank B,30\n',
        rows=2, refused=0, holds=(('well', 'A1'), ('sample', 'Sample X1'), ('value', 1200.0)),
    ),
]  # fmt: skip
