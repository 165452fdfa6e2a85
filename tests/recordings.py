"""Recordings that are folders, as psiexperiment writes them: trials in a table, the signal in zarr of either format."""

import json
import struct
import zlib

import numpy as np

RATE = 25_000.0
NAME = "20220601-120000 abc M1 left note abr_io"
LEVELS = (30.0, 40.0, 50.0, 60.0, 70.0, 80.0)


def response(level, time):
    """Volts of a made-up response at times in s after the stimulus, from 45 dB on."""
    size = 1e-7 * max(level - 45.0, 0.0) / 10.0
    return size * np.sin(2 * np.pi * 1000.0 * (time - 1.5e-3)) * np.exp(-(((time - 3e-3) / 1.5e-3) ** 2))


def signal(trials=64, noise=1e-6, seed=1, frequency=16_000.0):
    """The signal in volts and the rows of its trials: t0, frequency, level, polarity, threshold of rejection."""
    random, rows = np.random.default_rng(seed), []
    for number in range(trials * len(LEVELS)):
        polarity = 1 if number // len(LEVELS) % 2 == 0 else -1
        rows.append((0.1 + 0.025 * number, frequency, LEVELS[number % len(LEVELS)], polarity, 1.0))
    wave = random.normal(0.0, noise, int((rows[-1][0] + 0.1) * RATE))
    for start, _, level, _, _ in rows:
        first = round(start * RATE)
        time = np.arange(int(0.02 * RATE)) / RATE
        wave[first : first + time.size] += response(level, time)
    return wave, rows


def trials_text(
    rows, names="t0 target_tone_frequency target_tone_level target_tone_polarity reject_threshold"
):
    """The table of trials as the program writes it, with a column of numbers before."""
    lines = ["," + ",".join(names.split())]
    return "\n".join([*lines, *(f"{i}," + ",".join(map(str, row)) for i, row in enumerate(rows))]) + "\n"


def zlib_codec(data):
    """Packed by zlib, and the name of the codec."""
    return zlib.compress(data), {"id": "zlib", "level": 1}


def write(folder, wave, rows, chunk=20_000, pack=zlib_codec, channels=0, **names):
    """A recording of format 2 in a folder."""
    array = folder / "eeg.zarr"
    array.mkdir(parents=True)
    (folder / "erp_metadata.csv").write_text(trials_text(rows, **names))
    data = np.zeros(-(-wave.size // chunk) * chunk)
    data[: wave.size] = wave
    for number, start in enumerate(range(0, data.size, chunk)):
        block = data[start : start + chunk]
        block = np.stack([block, *[block * 0] * (channels - 1)]) if channels else block
        packed, compressor = pack(block.astype("<f8").tobytes())
        (array / f"{'0.' if channels else ''}{number}").write_bytes(packed)
    lengths = ([channels] if channels else []), [wave.size], [chunk]
    about = {
        "zarr_format": 2,
        "shape": lengths[0] + lengths[1],
        "chunks": lengths[0] + lengths[2],
        "dtype": "<f8",
        "compressor": compressor,
        "fill_value": 0.0,
        "filters": None,
        "order": "C",
    }
    (array / ".zarray").write_text(json.dumps(about))
    (array / ".zattrs").write_text(json.dumps({"fs": RATE}))
    return folder


def blosc_header(unpacked, block, packed):
    """The sixteen bytes that begin a chunk of blosc."""
    return struct.pack("<BBBBIII", 2, 1, 1, 8, unpacked, block, packed)
