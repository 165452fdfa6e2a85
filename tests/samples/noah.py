from laboratory import Sample

NAMESPACE = "http://www.himsa.com/Measurement/NoahAudiometricMeasurement.xsd"


def tone(hertz, level, status="Normal", masking=""):
    mask = (
        f"<MaskingFrequency>{hertz}</MaskingFrequency><MaskingLevel>{masking}</MaskingLevel>"
        if masking
        else ""
    )
    return (
        f"<TonePoints><StimulusFrequency>{hertz}</StimulusFrequency><StimulusLevel>{level}</StimulusLevel>{mask}"
        f"<TonePointStatus>{status}</TonePointStatus></TonePoints>"
    )


def curve(output, *tones, kind="ToneThresholdAudiogram", more=""):
    return (
        f"<{kind}><AudMeasurementConditions><StimulusSignalType>PureTone</StimulusSignalType>"
        f"<StimulusSignalOutput>{output}</StimulusSignalOutput>{more}</AudMeasurementConditions>{''.join(tones)}</{kind}>"
    )


def export(*curves, space=""):
    mark = f' xmlns="{space}"' if space else ""
    return (
        "<NOAHDatabaseExport><Patient><LastName>Byron</LastName><DateofBirth>1815-12-10</DateofBirth><Action>"
        "<TypeOfData>Audiogram</TypeOfData><ActionDate>2024-05-06T10:00:00</ActionDate><PublicData>"
        f'<HIMSAAudiometricStandard Version="500"{mark}>{"".join(curves)}</HIMSAAudiometricStandard>'
        "</PublicData></Action></Patient></NOAHDatabaseExport>"
    ).encode()


AIR = curve("AirConductorRight", tone(1000, "25.0"), tone(4000, "110.0", "NoResponse"))
FILES = [
    Sample(
        "noah.xml",
        export(AIR),
        rows=2,
        censored=1,
        holds=(("ear", "right"), ("frequency", 1.0), ("value", 25.0), ("recorded", "2024-05-06")),
    ),
    # Bone on the left with masking; a loudness curve, and a curve heard through a hearing aid.
    Sample(
        "many.xml",
        export(
            curve("BoneConductorLeft", tone(500, "15.0", masking="40.0")),
            curve("AirConductorLeft", tone(1000, "90.0"), kind="UncomfortableLevelAudiogram"),
            curve(
                "FreeFieldBinaural",
                tone(1000, "30.0"),
                more="<HearingInstrument1Condition>Aided</HearingInstrument1Condition>",
            ),
            space=NAMESPACE,
        ),
        rows=1,
        refused=2,
        holds=(("quantity", "audiogram.bone"), ("ear", "left"), ("frequency", 0.5)),
    ),
]
