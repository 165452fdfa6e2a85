from laboratory import Sample

HEAD = """Threshold (dB SPL): {}
{}
Filter history (zpk format):
Pass 0 -- z: array([1.+0.j]), p: array([0.99+0.j]), k: 0.13
NOTE: Negative latencies indicate no peak
Level\t1msec Avg\t1msec StDev\tP1 Latency\tP1 Amplitude\tN1 Latency\tN1 Amplitude\t
80.00\t0.1\t0.2\t1.40\t2.0\t1.90\t-1.0
60.00\t0.1\t0.2\t1.50\t1.0\t2.00\t-0.5
40.00\t0.1\t0.2\t-1.60\t0.1\t-2.10\t-0.1
"""

FILES = [
    Sample(
        "ABR-12-1-16.0kHz-analyzed.txt", HEAD.format("35.00", "Frequency (kHz): 16.00").encode(), rows=6, censored=1,
        holds=(("subject", "12"), ("quantity", "abr_threshold"), ("value", 35.0)),
    ),
    Sample(
        "ABR-12-2-click-analyzed.txt", HEAD.format("inf", "Stimulus: click").encode(), rows=6, censored=2,
        holds=(("value", 80.0), ("censored", "above")),
    ),
    Sample(
        "ABR-12-3-8kHz-analyzed.txt", HEAD.format("None", "Stimulus: 8.0 kHz").encode(), rows=5, refused=1, censored=1,
        holds=(("quantity", "wave1"), ("value", 3.0)),
    ),
]  # fmt: skip
