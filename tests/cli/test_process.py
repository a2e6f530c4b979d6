"""What only shows in a process of its own: start-up, signals, a reader that goes away."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
COMMAND = [sys.executable, "-m", "regard"]


def test_help_and_import_do_not_wait_for_torch() -> None:
    code = (
        "import sys, regard\nsys.argv = ['regard', '--help']\nfrom regard.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'pydantic', 'tokenizers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_quietly(model: Path, number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [*COMMAND, "translate", "--model", str(model), "--beam", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"The cat.\n" * 8)
    process.stdin.flush()
    process.stdout.readline()  # it is at work
    process.send_signal(number)
    _, err = process.communicate()
    assert (process.returncode, err) == (code, b"")


@pytest.mark.parametrize("module", ["regard.cli.app", "torch"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_during_imports_end_quietly(number: signal.Signals, code: int, module: str) -> None:
    # The signal arrives while a module is looked for, under an except that swallows what it raises.
    code_of_process = (
        "import signal, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            try:\n"
        f"                signal.raise_signal({number.value})\n"
        "            except BaseException:\n"
        "                pass\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from regard.cli import main\n"
        "main(['doctor'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code_of_process], capture_output=True, env=ENVIRONMENT)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, b"", b"")


def test_a_reader_that_goes_away_is_no_error_to_shout_about(model: Path, tmp_path: Path) -> None:
    (tmp_path / "many.txt").write_text("The cat.\n" * 40)
    with (tmp_path / "many.txt").open("rb") as lines:
        process = subprocess.Popen(
            [*COMMAND, "translate", "--model", str(model), "--beam", "1"],
            stdin=lines,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        assert (process.wait(), err) == (1, b"")


def test_what_is_to_be_saved_is_saved_though_nobody_reads(model: Path, tmp_path: Path) -> None:
    saved = tmp_path / "seen.json"
    process = subprocess.Popen(
        [*COMMAND, "translate", "The cat.", "--model", str(model), "--beam", "1", "--look", str(saved)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate()
    assert (process.returncode, err) == (1, f"Saved {saved}\n".encode())
    assert json.loads(saved.read_text())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["data", "list"], ["--version"]])
def test_a_full_disk_is_told_plainly(arguments: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (ran.returncode, ran.stderr) == (2, b"regard: cannot write: No space left on device\n")


def path_of_data(folder: Path, stdout: int, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """Has the path of a set of data in a folder printed, in an environment with these settings."""
    environment = {**ENVIRONMENT, "REGARD_CACHE": os.fspath(folder), **settings}
    environment.pop("REGARD_DATA", None)
    return subprocess.run(
        [*COMMAND, "data", "path", "multi30k"], stdout=stdout, stderr=subprocess.PIPE, env=environment
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are of bytes")
@pytest.mark.parametrize("name", ["élève", "하나", os.fsdecode(b"caf\xe9")])
def test_a_pipe_takes_every_letter(tmp_path: Path, name: str) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    ran = path_of_data(tmp_path / name, subprocess.PIPE, **plain)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == os.fsencode(tmp_path / name / "multi30k") + b"\n"


def test_a_pipe_has_the_encoding_that_is_asked_for(tmp_path: Path) -> None:
    ran = path_of_data(tmp_path / "é하", subprocess.PIPE, PYTHONIOENCODING="latin-1")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"\xe9\\ud558" in ran.stdout


@pytest.mark.skipif(os.name == "nt", reason="terminals of Unix")
def test_a_terminal_shows_the_numbers_of_letters_that_it_lacks(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    ran = path_of_data(tmp_path / "é하나", theirs, PYTHONIOENCODING="latin-1")
    os.close(theirs)
    assert (ran.returncode, ran.stderr) == (0, b"")
    shown = os.read(ours, 10_000).decode("latin-1")
    os.close(ours)
    assert "é\\ud558\\ub098" in shown


def with_closed(stream: str, model: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a command without one of its standard streams: "<&-", ">&-" or "2>&-"."""
    shell = ["sh", "-c", f'exec "$@" {stream}', "sh", *COMMAND, *arguments]
    return subprocess.run(
        [str(model) if word == "MODEL" else word for word in shell],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )


@pytest.mark.skipif(os.name == "nt", reason="closes streams as shells of Unix do")
@pytest.mark.parametrize(
    ("stream", "arguments", "told"),
    [
        ("<&-", ["translate"], 'regard: nothing to translate; give a text (regard translate "…") or a file'),
        ("<&-", ["classify", "MODEL"], 'regard: nothing to classify; give a text: regard classify MODEL "…"'),
        (">&-", ["--version"], "regard: cannot write: Bad file descriptor"),
        (">&-", ["data", "list"], "regard: cannot write: Bad file descriptor"),
        ("2>&-", ["evaluate", "no-such-model"], ""),
    ],
)
def test_a_closed_stream_is_one_plain_error(
    classifier: Path, stream: str, arguments: list[str], told: str
) -> None:
    ran = with_closed(stream, classifier, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(told)
    assert ran.stderr.count("\n") == bool(told)


@pytest.mark.skipif(os.name == "nt", reason="closes streams as shells of Unix do")
def test_a_closed_stream_that_is_not_needed_harms_nobody(model: Path, tmp_path: Path) -> None:
    saved = tmp_path / "seen.json"
    asked = ("translate", "The cat.", "--model", "MODEL", "--beam", "1")
    ran = with_closed("<&- 2>&-", model, *asked, "--look", str(saved))
    assert (ran.returncode, "Saved" in ran.stdout) == (0, False)
    assert json.loads(saved.read_text())
