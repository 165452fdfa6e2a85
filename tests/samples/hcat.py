from laboratory import Sample, table

# The columns of version 2 as its code writes them, spelling and all, up to those of colours.
TWO = (
    "state_item object_id cell_type frequency percentage distance(nm) score bbox_x0 bbox_y0 bbox_x1 bbox_y1 center_x "
    "center_y filename piece_id line_to_path piece_relative_order pixel_size_xy piece_name image_dtype image_shape "
    "image_sha256 microscopy_type microscopy_objective animal frequency_path basal_frequency apical_freqeucny creator "
    "was_edited is_ground_truth"
).split()
CELL = {
    "state_item": "hair_cell", "frequency": 8.0, "percentage": 0.2, "score": 0.9, "filename": "/home/someone/x.tif",
    "animal": "Mouse", "line_to_path": "[1.0 2.0 3.0 4.0]", "was_edited": "False",
}  # fmt: skip


def cell(**said):
    return [{**CELL, **said}.get(name, "None") for name in TWO]


FILES = [
    Sample(
        "one.csv",
        b"Filename: /home/someone/x.tif\nAnalysis Date: 2022-01-01\n"
        + table(
            ["cellID", "type", "score", "distance", "frequency", "percent_loc", "x_loc", "y_lo"],
            [1, "OHC", 0.98, 1200, 12.5, 0.3, 10, 10],
            [2, "IHC", 0.90, 1210, "None", "None", 10, 14],
        ),
        rows=2, holds=(("quantity", "cell_count.ohc"), ("frequency", 12.5), ("place", 0.3), ("value", 1.0)),
    ),
    Sample(
        "two.csv",
        b"SAVE LOCATION: /home/someone\nSAVE TIME (YYYY/MM/DD HH:MM:SS): 2024/05/31 10:00:00\n"
        + table(TWO, cell(object_id=1, cell_type="IHC", was_edited="True"), cell(object_id=2, cell_type="unknown")),
        rows=1, refused=1, holds=(("subject", ""), ("quantity", "cell_count.ihc"), ("place", 0.2)),
    ),
]  # fmt: skip
