"""What is told of models: curves, positions, neighbours; and the page's own files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from fastapi.testclient import TestClient
from toy_served import LIMITS

import regard
from regard.lens import position_encoding
from regard.server import create_app


def test_models_say_what_they_can_be_asked_for(client: TestClient, folders: dict[str, Path]) -> None:
    shows = {name: client.get(f"/api/models/{name}").json()["shows"] for name in folders}
    assert shows["toy"] == ["neighbours", "positions"]
    assert shows["digits"] == ["positions"]
    assert shows["segmentation"] == ["curves"]
    for name, some in shows.items():
        for what in ("curves", "positions", "neighbours"):
            query = "?word=cat" if what == "neighbours" else ""
            answer = client.get(f"/api/models/{name}/{what}{query}")
            assert answer.status_code == (200 if what in some else 404), (name, what)


def test_curves_are_those_of_the_log(client: TestClient, folders: dict[str, Path]) -> None:
    from regard.training.log import read_log

    told = client.get("/api/models/segmentation/curves").json()
    (loss,) = [line for line in told if (line["name"], line["source"]) == ("loss", "training")]
    log = [line for line in read_log(folders["segmentation"]) if "validation" not in line]
    assert loss["updates"] == [line["update"] for line in log]
    assert loss["values"] == [line["loss"] for line in log]


def test_a_log_that_is_broken_harms_nothing(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["toy"], tmp_path / "toy"))
    (folder / "log.jsonl").write_text('{"update": 1, "loss": NaN}\n{"update": 2, "loss": "x"}\n[]\n{"upd\n')
    with TestClient(create_app({"toy": folder}, LIMITS), base_url="http://localhost") as client:
        assert client.get("/api/models/toy/curves").status_code == 404


def test_positions_are_those_of_the_model(client: TestClient, folders: dict[str, Path]) -> None:
    told = client.get("/api/models/toy/positions", params={"length": 7}).json()
    found = position_encoding(regard.load(folders["toy"]).model, 7)
    assert found is not None
    assert (told["kind"], told["columns"]) == ("encoding", found[1])
    assert told["values"] == [[round(value, 4) for value in row] for row in found[0].tolist()]
    patches = client.get("/api/models/digits/positions").json()
    rows, columns = patches["grid"]
    assert len(patches["values"]) == rows * columns == len(patches["values"][0])
    assert [patches["values"][place][place] for place in range(3)] == [1.0] * 3
    assert client.get("/api/models/toy/positions", params={"length": 100_000}).status_code == 422


def test_neighbours_are_those_of_the_command(client: TestClient, folders: dict[str, Path]) -> None:
    from regard.tasks.text.neighbours import near_tokens

    told = client.get(
        "/api/models/toy/neighbours", params={"word": "cat", "count": 3, "side": "source"}
    ).json()
    expected = near_tokens(regard.load(folders["toy"]), "cat", count=3)
    assert [one["token"] for one in told["neighbours"]] == [token for token, _ in expected.tokens]
    assert len(told["neighbours"]) == 3
    for query in (
        "word=",
        "word=a%20b",
        "word=zzz",
        "",
        "word=cat&side=up",
        "word=cat&count=0",
        f"word={'a' * 101}",
    ):
        assert client.get(f"/api/models/toy/neighbours?{query}").status_code == 422, query


def test_the_page_asks_for_files_that_are_there(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert not re.search(r"unsafe|data:|blob:|http|\*", policy)
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=", page.text)
    waiting = re.findall(r'(?:src|href)="(/page/[^"]+)"', page.text)
    seen: set[str] = set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        kind = {
            "js": "text/javascript; charset=utf-8",
            "css": "text/css; charset=utf-8",
            "svg": "image/svg+xml",
        }
        assert answer.headers["content-type"] == kind[address.rpartition(".")[2]]
        if address.endswith(".js"):
            folder = address.rpartition("/")[0]
            waiting += [f"{folder}/{name}" for name in re.findall(r'from "\./([\w./-]+)"', answer.text)]
    names = {address.split("/", 3)[3] for address in seen}
    from regard.server.site import page_files

    assert names == set(page_files())  # nothing is served that is not used


def test_files_of_another_version_are_not_there(client: TestClient) -> None:
    (style, *_) = re.findall(r'href="(/page/[^"]+\.css)"', client.get("/").text)
    digest = style.split("/")[2]
    for name in ("none.js", "../site.py", "index.html", "", "%2e%2e/site.py"):
        assert client.get(f"/page/{digest}/{name}").status_code == 404, name
    assert client.get(f"/page/{'0' * len(digest)}/site.css").status_code == 404


def test_both_languages_say_the_same_things() -> None:
    from regard.server.site import page_files

    words = page_files()["words.js"].decode()
    english, korean = (
        dict(
            re.findall(
                r'^  "?([\w-]+)"?:\s*"(.*)",$', words.split(f"const {name} = {{")[1].split("\n};")[0], re.M
            )
        )
        for name in ("ENGLISH", "KOREAN")
    )
    assert english.keys() == korean.keys()
    assert list(english) == sorted(english)
    for name, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[name])), name
    used = {
        name
        for file, text in page_files().items()
        if file.endswith(".js") and not file.startswith("shared/")
        for name in re.findall(r'tell\("(\w+)"', text.decode())
    }
    assert used <= english.keys()
    built = re.compile(r"^(error|task|view|side|method|note)_")
    assert {name for name in english if not built.match(name)} - used <= {
        "training",
        "validation",
        "anomalous",
        "good",
    }
