"""The documents as a site: every page is in the contents, every link inside leads somewhere, every key is explained."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from otosome import __version__
from otosome.jobs.examples import EXAMPLES
from otosome.study import Tables
from test_help import VERBS
from tools import tutorials
from tools.site import BESIDE, GENERATED
from tools.site.links import check
from tools.site.reference import kind, pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MARKDOWN = [ROOT / "README.md", *(ROOT / name for name in BESIDE), *sorted(DOCS.rglob("*.md"))]
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
FEWER = re.compile(r"--subjects \d+|subjects=\d+")


def without_code(text):
    return re.sub(r"^(```|:::).*?^\1", "", re.sub(r"`[^`\n]+`", "", text), flags=re.DOTALL | re.MULTILINE)


def slugs(file):
    """The anchors of a page's headings, as GitHub and the site write them."""
    headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def contents(page, seen):
    """Every page under a page in the contents."""
    seen.add(page)
    file = DOCS / f"{page}.md"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    for listed in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
        for name in re.findall(r"^(?!:)(\S+)$", listed, re.MULTILINE):
            contents((Path(page).parent / name).as_posix(), seen)
    return seen


def test_every_page_is_in_the_contents_and_every_entry_is_a_page():
    written = {
        file.relative_to(DOCS).with_suffix("").as_posix() for file in (*DOCS.rglob("*.md"), *NOTEBOOKS)
    }
    made = {Path(name).with_suffix("").as_posix() for name in (*GENERATED, *BESIDE.values(), "gallery.md")}
    assert contents("index", set()) == written | made


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_to_a_page_and_a_heading(file):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(file.read_text(encoding="utf-8"))):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        within = (
            target.relative_to(DOCS.resolve()).as_posix() if target.is_relative_to(DOCS.resolve()) else ""
        )
        if within in (*GENERATED, *BESIDE.values(), "gallery.md"):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in slugs(target)):
            broken.append(link)
    assert broken == []


def test_the_reference_names_every_verb_option_and_key():
    made = pages()
    assert set(made) == set(GENERATED)
    line = made["reference/command_line.md"]
    for name, verb in VERBS.items():
        part = line.split(f"\n## {name}\n")[1].split("\n## ")[0]
        options = [parameter.opts[0] for parameter in verb.params if parameter.param_type_name == "option"]
        assert [option for option in options if f"`{option}`" not in part] == [], name
        assert all(command in part for command, _ in EXAMPLES.get(name, ()))
    schema, study = Tables.model_json_schema(), made["reference/study_file.md"]
    for table in (schema, *schema["$defs"].values()):
        for key, value in table.get("properties", {}).items():
            assert f"| `{key}` | " in study
            assert " ".join(value["description"].split())[:20].split("|")[0].split("<")[0] in study.replace(
                "\\", ""
            )


def test_kinds_are_said_in_words():
    keys = Tables.model_json_schema()["properties"]
    assert kind(keys["seed"]) == "whole number"
    assert kind(keys["insult"]) == "tables of InsultUse"
    assert kind(keys["arm"]) == "list of Arm"
    assert kind(keys["otosome"]) == '"study/1"'


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_a_notebook_is_kept_without_outputs(file):
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    for cell in code:
        compile("".join(cell["source"]), file.name, "exec")


def test_the_link_check_sees_what_is_broken_and_lists_what_is_outside(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">x</a><a href="b.html#gone">x</a><a href="c.html">x</a><a href="https://e.org/">x</a>'
        '<a href="../outside.html">x</a><img src="b.html"><h1 id="up"></h1><a href="#up">x</a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<p id="there">', encoding="utf-8")
    (tmp_path.parent / "outside.html").write_text("", encoding="utf-8")
    broken, outside = check(tmp_path)
    assert [line.split(": ")[1] for line in broken] == ["b.html#gone", "c.html", "../outside.html"]
    assert outside == ["https://e.org/"]


# Tutorials


@pytest.mark.parametrize("name", tutorials.BEGIN)
def test_a_tutorial_says_its_version_its_figure_and_begins_with_files_that_are_there(name):
    text = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")
    (version,) = set(re.findall(r"Written for otosome (\d+\.\d+)", text))
    assert version == ".".join(__version__.split(".")[:2])
    assert "igure" in text and re.search(r"figures/\w+\.svg", text)
    assert len(list(tutorials.steps(text))) >= 2
    files = (
        {file.name for file in (ROOT / tutorials.BEGIN[name]).iterdir()} if tutorials.BEGIN[name] else set()
    )
    for begun in re.findall(r"^It holds `(\S+)`", text, re.MULTILINE):
        assert begun in files


def test_the_made_up_inputs_are_what_their_script_writes(tmp_path):
    folder = ROOT / "examples" / "tutorials"
    before = {file: file.read_bytes() for file in folder.rglob("*.csv")}
    assert len(before) == 3
    script = (folder / "make.py").read_text(encoding="utf-8")
    for name in ("animals", "drug"):
        (tmp_path / name).mkdir()
    (tmp_path / "make.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, str(tmp_path / "make.py")], check=True, timeout=60)
    assert {file: (tmp_path / file.relative_to(folder)).read_bytes() for file in before} == before


@pytest.mark.slow
@pytest.mark.parametrize("name", tutorials.BEGIN)
def test_every_step_of_a_tutorial_does_what_it_says(name, tmp_path):
    """On fewer ears than printed; the figure that the tutorial promises is there at the end."""
    tutorials.prepare(name, tmp_path / name)
    text = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")

    def fewer(step):
        return FEWER.sub(lambda found: found[0].rstrip("0123456789") + "3", step)

    faults = [tutorials.fault(step, tmp_path / name, fewer) for step in tutorials.steps(text)]
    assert [fault for fault in faults if fault] == []
    for figure in re.findall(r"`(\S+/figures/\w+\.svg)`", text):
        assert (tmp_path / name / figure).is_file(), figure
        assert (tmp_path / name / figure).with_suffix(".csv").is_file(), figure


@pytest.mark.slow
def test_the_site_is_built_with_its_notebooks_run_and_no_link_broken(tmp_path):
    pytest.importorskip("sphinx", reason="the site's packages are in the extra docs")
    from tools.site.__main__ import build

    assert build(tmp_path) == []
    assert (tmp_path / "html" / "index.html").is_file()
    assert len(list((tmp_path / "html" / "_images").glob("*.svg"))) >= 6
    assert "doi.org" in (tmp_path / "outside.txt").read_text(encoding="utf-8")
