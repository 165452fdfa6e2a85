"""Who may speak to the page. Each test is a line of what a page on one's own machine must refuse."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import socket
import subprocess
import sys

import pytest
from starlette.websockets import WebSocketDisconnect

from bench import HERE, OWN, page, served
from otosome.errors import BadInput
from otosome.page import uploads
from otosome.page.guard import LARGEST_FILE, POLICY
from otosome.page.opening import PageInputs, _keys, open_page

ADDRESSES = ["/", "/record", "/api/folder", "/api/jobs", f"/files/{'0' * 16}"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A page over a folder in which no test writes."""
    return with_notes(tmp_path_factory.mktemp("folder"))


@pytest.fixture
def client(bench):
    return bench.enter()


@pytest.fixture
def fresh(tmp_path):
    """A page over a folder of the test's own."""
    return with_notes(tmp_path)


def with_notes(folder):
    (folder / "notes.txt").write_text("two mice\n", encoding="utf-8")
    return page(folder)


@pytest.mark.parametrize("address", ADDRESSES)
def test_nobody_without_leave_sees_anything(bench, address):
    answer = bench.client.get(address)
    assert answer.status_code == 401
    assert "notes" not in answer.text
    assert bench.enter().get(address).status_code in (200, 404)


def test_the_opening_address_opens_once(fresh):
    opening = f"/?token={fresh.keys.once}"
    first = fresh.client.get(opening)
    assert first.status_code == 303
    assert first.headers["location"] == "/"
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert fresh.stranger().get(opening).status_code == 401
    assert fresh.stranger().get("/?token=").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:9999", "localhost.evil.example:8000"]
)
@pytest.mark.parametrize("address", [*ADDRESSES, "/static/bench.js", "/?token=x"])
def test_a_foreign_host_is_refused(bench, host, address):
    client = bench.enter()
    assert client.get(address, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8000", f"{HERE}.evil.example"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_origin_is_refused(client, origin, method):
    answer = client.request(method, "/api/jobs", headers={"Origin": origin})
    assert answer.status_code == 403


def test_a_form_on_another_site_is_refused(client):
    """Browsers send no Origin with some of them, but say that they come from elsewhere."""
    del client.headers["Origin"]
    asked = client.post("/api/ask/claims", json={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert asked.status_code == 403


def test_a_websocket_is_refused(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/jobs"):
        pass


@pytest.mark.parametrize("address", ["/", "/static/bench.js", "/api/folder", "/nowhere"])
def test_every_answer_lets_run_what_the_page_brings_and_nothing_else(client, address):
    headers = client.get(address).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "script-src 'self'" in POLICY
    assert headers["x-content-type-options"] == "nosniff"


def test_no_template_has_inline_script_or_style():
    for file in (uploads.__file__ and __import__("pathlib").Path(uploads.__file__).parent / "templates").glob(
        "*"
    ):
        text = file.read_text(encoding="utf-8")
        assert "<script>" not in text, file
        assert "style=" not in text, file
        assert " onclick" not in text, file
        assert "|safe" not in text or file.name in SVG, file


# Templates that show figures drawn by otosome itself.
SVG = {"trial.html.jinja"}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "%2e%2e/notes.txt", "notes.txt", "/etc/passwd", "..%2f..%2fetc%2fpasswd"]
)
@pytest.mark.parametrize("where", ["/files/{}", "/results/{}/report.html", "/api/results/{}"])
def test_no_path_of_a_browser_leads_anywhere(client, where, name):
    answer = client.get(where.format(name))
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text


def test_a_file_is_given_by_its_id_and_by_nothing_else(bench, client):
    answer = client.get(f"/files/{bench.id('notes.txt')}")
    assert answer.text == "two mice\n"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_what_a_link_leads_to_outside_has_no_id(fresh, tmp_path_factory):
    secret = tmp_path_factory.mktemp("outside") / "secret.toml"
    secret.write_text('otosome = "study/1"\n', encoding="utf-8")
    (fresh.folder / "link.toml").symlink_to(secret)
    (fresh.folder / "way").symlink_to(secret.parent)
    fresh.bench.workspace.forget()
    assert [item.name for item in fresh.bench.workspace.items()] == ["notes.txt"]


def test_a_study_is_an_id_or_a_shipped_name_and_never_a_path(fresh):
    client = fresh.enter()
    for study in ("/etc/passwd", "../study.toml", "notes.txt"):
        answer = client.post("/api/ask/run", json={"study": study})
        assert answer.status_code == 404, study
    assert client.post("/api/ask/run", json={"study": "noise_mouse"}).status_code == 200


def test_no_question_takes_shelves_or_a_place_to_write(client):
    for key, value in (("shelves", ["x"]), ("out", "/tmp/x"), ("surprise", 1)):
        answer = client.post("/api/ask/run", json={"study": "noise_mouse", key: value})
        assert answer.status_code == 422, key
        assert key in answer.json()["error"]["key"]


def send(client, content, path="a.csv", name="drop"):
    arrived = client.post("/api/files", content=content).json()
    return client.post(
        "/api/drops", json={"name": name, "files": [{"path": path, "sha256": arrived["sha256"]}]}
    )


def test_a_file_is_stored_under_its_hash_and_laid_as_it_was_dropped(fresh):
    client = fresh.enter()
    arrived = client.post("/api/files", content=b"a,b\n1,2\n").json()
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert arrived == {"sha256": digest, "size": 8}
    laid = client.post(
        "/api/drops", json={"name": "mice", "files": [{"path": "day 1/a.csv", "sha256": digest}]}
    ).json()
    assert (fresh.folder / laid["folder"] / "day 1" / "a.csv").read_bytes() == b"a,b\n1,2\n"
    assert laid["folder"].startswith("files/mice-")
    assert client.get(f"/files/{laid['files'][0]['id']}").content == b"a,b\n1,2\n"
    assert not list((fresh.folder / ".otosome" / "uploads").iterdir())


@pytest.mark.parametrize(
    "path",
    [
        "../a.csv",
        "/a.csv",
        "a/../../b",
        ".ssh/keys",
        "a//b",
        "C:\\a",
        "a\x00b",
        "a\nb",
        "x" * 300,
        "a/" * 12 + "b",
        "..",
        "nul. ",
    ],
)
def test_a_name_that_leads_elsewhere_or_hides_is_refused(bench, client, path):
    assert send(client, b"1", path).status_code == 422
    assert not (bench.folder / "files").exists()


def test_a_file_of_more_than_fifty_megabytes_is_refused(fresh):
    client = fresh.enter()
    head = {"Content-Length": str(LARGEST_FILE + 1)}
    assert client.post("/api/files", content=b"x", headers=head).status_code == 413

    def pieces():
        for _ in range(LARGEST_FILE // 1_000_000 + 1):
            yield bytes(1_000_000)

    assert client.post("/api/files", content=pieces()).status_code == 413
    assert not list((fresh.folder / ".otosome" / "uploads").iterdir())


def test_more_than_two_thousand_files_are_refused(client):
    files = [{"path": f"{n}.csv", "sha256": "0" * 64} for n in range(uploads.MOST_FILES + 1)]
    assert client.post("/api/drops", json={"name": "many", "files": files}).status_code == 422


def test_a_question_of_more_than_a_megabyte_is_refused(client):
    assert client.post("/api/drops", json={"name": "x" * 1_100_000, "files": []}).status_code == 413


def test_a_full_disk_is_one_sentence_and_leaves_nothing(fresh, monkeypatch):
    client = fresh.enter()

    def full(source, target):
        target.write_bytes(b"")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    answer = send(client, b"1")
    assert answer.status_code == 507
    assert "has no room for the files" in answer.json()["error"]["message"]
    assert not list((fresh.folder / "files").iterdir())


def test_a_name_is_text_and_never_markup(fresh):
    folder = fresh.folder / "results" / "x"
    folder.mkdir(parents=True)
    record = {
        "verb": "run",
        "name": "<script>alert(1)</script>",
        "otosome": "0.2.0",
        "written": "2026-01-01",
        "inputs": {},
        "options": {},
        "files": {},
        "format": 2,
    }
    (folder / "otosome.json").write_text(json.dumps(record), encoding="utf-8")
    text = fresh.enter().get("/record").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_a_report_can_ask_the_server_for_nothing(fresh):
    """It is shown as of no origin: a script in it, whoever wrote it, has neither cookie nor leave."""
    folder = fresh.folder / "results" / "x"
    folder.mkdir(parents=True)
    (folder / "otosome.json").write_text(
        '{"verb": "run", "name": "x", "otosome": "0", "written": "", "inputs": {}, "options": {}, "format": 2}'
    )
    (folder / "report.html").write_text("<p>hello</p>")
    answer = fresh.enter().get(f"/results/{fresh.id('results/x')}/report.html")
    policy = answer.headers["content-security-policy"]
    assert answer.text == "<p>hello</p>"
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert "default-src 'none'" in policy


def test_other_machines_are_served_only_with_a_token_file(tmp_path):
    with pytest.raises(BadInput, match="asks for a token"):
        open_page(PageInputs(folder=tmp_path, listen="192.168.1.20"))
    short = tmp_path / "token"
    short.write_text("guess\n")
    with pytest.raises(BadInput, match="hard to guess"):
        open_page(PageInputs(folder=tmp_path, listen="192.168.1.20", token_file=short))
    short.write_text("a" * 40)
    with pytest.raises(BadInput, match="is every address"):
        open_page(PageInputs(folder=tmp_path, listen="0.0.0.0", token_file=short))
    keys = _keys(PageInputs(folder=tmp_path, listen="192.168.1.20", token_file=short))
    assert (keys.once, keys.stated) == ("", "a" * 40)


def test_a_stated_token_opens_by_form_and_by_header(tmp_path):
    secret = "s" * 40
    guest = page(tmp_path, once="", stated=secret)
    client = guest.stranger()
    assert 'name="token"' in client.get("/").text
    assert client.post("/enter", content="token=wrong", headers=OWN).status_code == 401
    assert client.get("/").status_code == 401
    assert client.post("/enter", content=f"token={secret}", headers=OWN).status_code == 303
    assert client.get("/").status_code == 200
    program = guest.stranger()
    assert program.get("/api/folder", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert program.get("/api/folder", headers={"Authorization": "Bearer "}).status_code == 401


def test_without_a_stated_token_no_empty_one_opens(bench):
    assert bench.client.get("/api/folder", headers={"Authorization": "Bearer "}).status_code == 401
    assert bench.client.post("/enter", content="token=", headers=OWN).status_code == 401


def test_it_is_served_from_this_machine_alone_within_three_seconds_and_once(tmp_path):
    """Served as a person starts it: the port answers on loopback, and on no other address of this machine."""
    with served(tmp_path) as (address, _):
        port = int(address.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            assert line.recv(200).startswith(b"HTTP/1.1 403")
        for other in {row[4][0] for row in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
            if not other.startswith("127."):
                with pytest.raises((ConnectionError, TimeoutError)):
                    socket.create_connection((other, port), timeout=2)
        with pytest.raises(BadInput, match="is open already"):
            open_page(PageInputs(folder=tmp_path, browser=False))


def test_without_its_packages_it_says_how_to_install_them(tmp_path):
    program = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name in ('fastapi', 'uvicorn') else find(name, *more)\n"
        f"sys.argv = ['otosome', 'open', {str(tmp_path)!r}]\n"
        "from otosome.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "pip install 'otosome[page]'" in done.stderr


def test_nothing_of_the_page_is_imported_by_another_verb():
    program = (
        "import sys; sys.argv = ['otosome', 'list', 'studies']\nfrom otosome.cli import main\n"
        "try: main()\nexcept SystemExit: print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert {"fastapi", "starlette", "uvicorn", "psutil"}.isdisjoint(done.stdout.split())
