from laboratory import Sample, table

LEVELS, CHANNELS = [90, 70, 90], [1, 1, 2]


def setting(name, values):
    """A line of settings: each stands above the first of its waveform's six columns."""
    return [name, *(cell for value in values for cell in (value, "", "", "", "", ""))]


COLUMNS = ["Average:", "Average(uV):", "Buffer1:", "Buffer1(uV):", "Buffer2:", "Buffer2(uV):"]


def export(identifier, stimulus, further=()):
    """Two levels in one channel and one of them in another; 40 samples, the stimulus at the fourth."""
    lines = [
        setting("Identifier:", [identifier] * 3),
        setting("Ear:", ["L"] * 3),
        setting("Channel:", CHANNELS),
        setting("Intensity:", LEVELS),
        setting("Smp. Period:", [" 31.25"] * 3),
        setting("Stim. Freq.", [stimulus] * 3),
        setting("Zero Position:", [4] * 3),
        *further,
        ["Data Pnt:", *COLUMNS * 3],
    ]
    body = [
        [
            t + 1,
            *(cell for i in range(3) for cell in (671 * (t % 7), f"{(t % 7 + 1) * (i + 1):.4f}", 0, 0, 0, 0)),
        ]
        for t in range(40)
    ]
    return table(*lines, *body)


FILES = [
    Sample(
        "rat7.txt", export("rat7", 8000), rows=2, refused=1,
        holds=(("subject", "rat7"), ("ear", "left"), ("frequency", 8.0), ("level", 90.0), ("onset", 0.125)),
    ),
    Sample(
        "click.txt", export("IHS5453-2019AV01", "", [setting("Comment:", [""] * 3)]), rows=2, refused=1,
        holds=(("subject", ""), ("rate", 32.0)),
    ),
]  # fmt: skip
