"""What goes wrong in a folder is one sentence in the page, and nothing is lost."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from bench import finish, page
from otosome.page.work import Work, wait
from otosome.results import record_of
from otosome.results.folder import writing
from small_study import STUDY, write

PROGRAMME = Path(__file__).parent.parent / "examples" / "programme"


def one_sentence(text, *words):
    """The sentence of a page that holds these words; it is one line, and no traceback."""
    lines = [line.strip() for line in text.splitlines() if all(word in line for word in words)]
    assert len(lines) == 1, (words, lines)
    assert "Traceback" not in text
    return lines[0]


def result(folder, name, **record):
    """A result folder as some otosome wrote it."""
    own = folder / "results" / name
    own.mkdir(parents=True)
    plain = {"verb": "run", "name": name, "otosome": "9.0", "written": "", "inputs": {}, "options": {}}
    (own / "otosome.json").write_text(json.dumps({**plain, **record}), encoding="utf-8")
    return own


def test_a_result_of_a_later_otosome_is_a_sentence_and_its_files_stay(tmp_path):
    own = result(tmp_path, "later", format=99, files={})
    before = (own / "otosome.json").read_bytes()
    client = page(tmp_path).enter()
    for room in ("/", "/record"):
        one_sentence(client.get(room).text, "results/later", "is of a later otosome", "install otosome 9.0")
    assert (own / "otosome.json").read_bytes() == before


def test_a_result_of_an_earlier_otosome_says_what_of_it_is_missing(tmp_path):
    result(tmp_path, "old", format=2)
    whole = page(tmp_path)
    shown = whole.enter().get(f"/record?result={whole.id('results/old')}")
    assert shown.status_code == 200
    one_sentence(shown.text, "Written before results were sealed")
    one_sentence(shown.text, "results/old", "answer" if "answer" in shown.text else "result.nc")


def test_a_study_of_another_version_is_a_sentence_and_every_room_opens(tmp_path):
    write(tmp_path, "old.toml", otosome="study/0")
    client = page(tmp_path).enter()
    one_sentence(client.get("/record").text, "old.toml", "is of another version", "study/0", "study/1")
    for room in ("data", "lot", "ear", "evidence", "fit", "trial", "compare", "record"):
        assert client.get(f"/{room}").status_code == 200, room
    assert 'otosome = "study/0"' in (tmp_path / "old.toml").read_text()


def test_a_study_that_another_program_is_writing_is_a_sentence_until_it_is_whole(tmp_path):
    file = write(tmp_path)
    whole = file.read_text()
    file.write_text(whole[: len(whole) // 2] + '\n"')
    served = page(tmp_path)
    client = served.enter()
    one_sentence(client.get("/").text, "small.toml", "mend it")
    assert "small.toml)" not in client.get("/ear").text
    file.write_text(whole)
    served.bench.workspace.forget()
    assert "small.toml)" in client.get("/ear").text
    assert "What cannot be read" not in client.get("/").text


def test_a_form_of_a_file_that_another_program_changed_writes_nothing(tmp_path):
    from otosome.page.fields import sheet

    file = write(tmp_path)
    served = page(tmp_path)
    mark = sheet(file, "small.toml").mark
    file.write_text(file.read_text().replace(STUDY["title"], "By another program"))
    answer = served.enter().post(
        f"/api/texts/{served.id('small.toml')}/fields",
        json={"mark": mark, "changes": [{"name": "|0|title", "value": "Mine"}]},
    )
    assert answer.status_code == 422 and "was changed meanwhile" in answer.json()["error"]["message"]
    assert "By another program" in file.read_text()


def test_a_result_that_another_program_is_writing_is_a_sentence_of_the_job(tmp_path):
    shutil.copytree(PROGRAMME, tmp_path / "programme")
    work = Work(tmp_path, tmp_path / ".otosome")
    work.begin()
    with writing(tmp_path / "results" / "lot", force=True) as part:
        (part / "half").write_text("of it")
        job = wait(work, work.ask("quality", ["--force", "programme/lot.toml"], "lot").id, 120)
        assert job.state == "refused"
        assert work.answer(job.id)["error"]["message"] == "is being written by another otosome"
        record_like = {"verb": "quality", "name": "lot", "otosome": "0", "written": "", "inputs": {}}
        (part / "otosome.json").write_text(json.dumps({**record_like, "options": {}, "format": 2}))
    assert record_of(tmp_path / "results" / "lot").name == "lot"
    assert (tmp_path / "results" / "lot" / "half").read_text() == "of it"
    finish(work)


@pytest.fixture
def full(monkeypatch):
    """A disk without room, from when it is called."""
    real = Path.write_text

    def fill():
        def refuse(self, *text, **more):
            if "otosome" in str(self):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(self, *text, **more)

        monkeypatch.setattr(Path, "write_text", refuse)

    yield fill
    monkeypatch.setattr(Path, "write_text", real)


def test_on_a_full_disk_a_question_is_refused_in_a_sentence_and_the_jobs_before_it_stay(tmp_path, full):
    served = page(tmp_path)
    client = served.enter()
    first = client.post("/api/ask/new", json={"kind": "trial"}).json()
    full()
    answer = client.post("/api/ask/new", json={"kind": "trial"})
    assert answer.status_code == 507
    assert answer.json()["error"]["message"] == "has no room for the job"
    assert "nothing is lost" in answer.json()["error"]["cure"]
    assert [job["id"] for job in client.get("/api/jobs").json()] == [first["id"]]
    doubt = client.post("/api/sources/" + next_source(), json={"withdrawn": True})
    assert doubt.status_code == 507 and "has no room" in doubt.json()["error"]["message"]


def next_source():
    from otosome.catalog import SHIPPED

    return sorted((SHIPPED / "sources").glob("*.toml"))[0].stem


def test_jobs_that_run_while_the_disk_fills_end_as_they_would(tmp_path, full):
    """The state of a job stands in memory until there is room; the one who looks after jobs goes on."""
    work = Work(tmp_path, tmp_path / ".otosome")
    job = work.ask("list", ["studies"], "studies")
    full()
    work.begin()
    assert wait(work, job.id, 120).state == "done"
    assert work.answer(job.id)["ok"]
    finish(work)
