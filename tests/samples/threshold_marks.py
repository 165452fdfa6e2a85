from laboratory import Sample

SERIES = (
    '"series":{"subject":"m1","ear":"left","frequency":8.0,"recorded":"2024-05-31","unit":"dB SPL",'
    '"file":"ABR-1-1","sha256":"ab"}'
)
LINES = [
    f'{{"otosome":"marks/1","at":"2024-06-01T10:00:00+00:00","reader":"A","does":"mark",{SERIES},'
    '"quantity":"abr_threshold","to":{"value":35.0}}',
    f'{{"otosome":"marks/1","at":"2024-06-01T10:00:10+00:00","reader":"A","does":"mark",{SERIES},'
    '"quantity":"abr_threshold","from":{"value":35.0},"to":{"value":40.0}}',
    '{"otosome":"marks/1","at":"2024-06-01T10:00:20+00:00","reader":"A","does":"undo","undoes":2}',
    f'{{"otosome":"marks/1","at":"2024-06-01T10:01:00+00:00","reader":"A","does":"mark",{SERIES},"quantity":"wave1",'
    '"level":80.0,"to":{"value":1.5,"latency":1.4,"trough":1.9}}',
    f'{{"otosome":"marks/1","at":"2024-06-01T10:02:00+00:00","reader":"B","does":"mark",{SERIES},'
    '"quantity":"abr_threshold","to":{"value":50.0}}',
    '{"otosome":"marks/1","at":"2024-06-01T10:02:1',
]
FILES = [
    Sample(
        "import.marks.jsonl",
        "\n".join(LINES).encode(),
        rows=3,
        refused=1,
        holds=(("subject", "m1"), ("quantity", "abr_threshold"), ("value", 35.0), ("flag", "by hand: A")),
    )
]
