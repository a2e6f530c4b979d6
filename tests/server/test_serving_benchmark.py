"""The load script, for a few seconds: nothing lost, nothing mixed up, memory flat."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from benchmarks.serving import load, resident, wait_until_ready


def test_64_clients_of_a_process(folders: dict[str, Path | str]) -> None:
    command = [sys.executable, "-m", "regard", "serve", f"toy={folders['toy']}", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            wait_until_ready(address)
            url = f"{address}/api/models/toy/translate"
            sentences = ["The cat sat.", "A red dog sees one cat.", "How are you?"]
            asyncio.run(load(url, server.pid, 64, 2.0, sentences))  # what the first requests load stays
            found = asyncio.run(load(url, server.pid, 64, 3.0, sentences))
        finally:
            server.terminate()
    assert found.wrong == 0
    assert len(found.seconds) >= 64
    if found.memory[0]:
        assert max(found.memory) - found.memory[0] < 32 << 20
        assert resident(1) > 0
    assert found.row().count("|") == 8
