"""The whole way through the page: a laboratory's table, its animals, a draft, the fit, and the report that is shown."""

from __future__ import annotations

import json
import re

from typer.testing import CliRunner

from bench import page
from otosome.cli import app

# A table as published ones of ABR are, a row a level: invented mice, thresholds in dB SPL before and 2 weeks after.
HEAD = "file_number,substrain,id,noise_spl,noise_type,abr_time,level_db,freq_hz,threshold"
MICE = {"A1": (0, "control", 0), "A2": (0, "control", 5), "B1": (106, "noise", 30), "B2": (106, "noise", 45)}
TONES = {8000: 30, 16000: 20}


def table() -> str:
    rows, series = [HEAD], 0
    for mouse, (noise, kind, shift) in MICE.items():
        for when, loss in (("baseline", 0), ("2w", shift)):
            for tone, base in TONES.items():
                series, threshold = series + 1, base + loss
                for level in (threshold - 5, threshold, threshold + 5):
                    words = (series, "CBAJ", mouse, noise, kind, when, f"{level}.0", tone, f"{threshold}.0")
                    rows.append(",".join(map(str, words)))
    return "\n".join(rows) + "\n"


def test_a_table_becomes_a_fit_whose_report_the_page_shows(tmp_path, monkeypatch):
    (tmp_path / "ABR_raw.csv").write_text(table(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    whole = page(tmp_path)
    client = whole.enter()

    def done(job):
        """The line that the page shows, carried out here; the id of what it wrote."""
        line = whole.bench.work.job(job)
        answer = CliRunner().invoke(app, [line.verb, "--json", *line.arguments])
        assert answer.exit_code == 0, answer.output
        return whole.id(json.loads(answer.stdout)["out"])

    read = client.post("/api/data/read", json={"paths": [whole.id("ABR_raw.csv")], "species": "mouse"})
    result = done(read.json()["job"])
    sheet = client.get(f"/api/data/animals?result={result}").json()["rows"]
    assert [row["subject"] for row in sheet] == list(MICE)
    for row in sheet:
        noise = row["subject"].startswith("B")
        row.update(group="noise" if noise else "quiet", species="mouse", strain="cba_caj")
        row.update(insult="noise" if noise else "none", insult_dose="106 dB SPL" if noise else "")
    animals = client.post("/api/data/animals", json={"result": result, "rows": sheet}).json()["id"]
    result = done(client.post("/api/data/read", json={"result": result, "animals": animals}).json()["job"])
    study = done(client.post("/api/ask/new", json={"kind": "fit", "source": result}).json()["id"])
    drafted = (tmp_path / "my_study.toml").read_text(encoding="utf-8")
    assert re.search(r'at = \[\s*"-1 d",\s*"14 d",?\s*\]', drafted)
    shown = client.get(f"/fit?study={study}").text
    file, mark = re.search(r'data-verb="fit" data-file="(\w+)" data-mark="(\w+)"', shown).groups()
    text = (tmp_path / "my_fit.toml").read_text(encoding="utf-8")
    fewer = re.sub(r"free = \[.*?^\]", 'free = ["insults.noise.ohc"]', text, flags=re.DOTALL | re.MULTILINE)
    body = {"mark": mark, "text": fewer.replace("starts = 3", "starts = 1")}
    assert client.post(f"/api/texts/{file}", json=body).status_code == 200
    fitted = done(client.post("/api/ask/fit", json={"fit": file}).json()["id"])
    answer = client.get(f"/api/results/{fitted}").json()["result"]
    assert (answer["animals"], answer["readings"]) == (4, 16)
    (estimate,) = answer["estimates"]
    room = client.get(f"/fit?result={fitted}").text
    assert f'<td data-label="Fitted">{estimate["text"]}</td>' in room
    assert all(sentence.replace("'", "&#39;") in room for sentence in answer["sentences"])
    assert f'src="/results/{fitted}/report.html#fit"' in room
    report = client.get(f"/results/{fitted}/report.html")
    assert report.status_code == 200
    assert 'id="fit"' in report.text and estimate["text"] in report.text


def test_the_page_shows_a_fit_to_published_cases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["fit", "words_w22", "--json", "--out", "words"])
    assert answer.exit_code == 0, answer.output
    whole = page(tmp_path)
    shown = whole.enter().get(f"/fit?result={whole.id('words')}").text
    assert "Published figures: what do they say" in shown
    assert "materials.cid_w22.n is known only together with materials.cid_w22.q" in shown
    assert "Rows of the numbers" in shown
