from laboratory import Sample

GROUP = """ABR Group Header  ==================================
    Group Number: 0
         Records: {records}
  SigGen File #1: Tone
      Subject ID: {subject}
    Reference #1: {side}
            Memo:
      Start Time: Fri Apr 16 14:24
----------------------------------------------------
"""
RECORD = """
   Record Number: {record}
   Aqu. Duration: 1.2 ms
     Onset Delay: 0 ms
      No. Points: 30
    No. Averages: 512
    SigGen Index: 0
       Variables:
                  Freq = {frequency}
                  Level = {level} dB
                  Duration = 5 ms
"""


def record(number, frequency, level, points=30):
    head = RECORD.format(record=number, frequency=frequency, level=level)
    return head + "\n".join(f"{(t % 7 - 3) * level * 1e-8:.6g}" for t in range(points)) + "\n"


def export(subject="M1", side="left", end="\r\n"):
    text = GROUP.format(records=3, subject=subject, side=side)
    text += (
        record(1, "16000 Hz", 80)
        + record(2, "16 kHz", 70)
        + record(3, "100 Hz", 80)
        + record(4, "8000 Hz", 60, 29)
    )
    return text.replace("\n", end).encode()


FILES = [
    Sample(
        "M1.txt",
        export(),
        rows=3,
        refused=1,
        holds=(("subject", "M1"), ("ear", "left"), ("frequency", 16.0), ("level", 80.0), ("rate", 25.0)),
    )
]
