"""Two processes train as one."""

import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import ended, start
from safetensors.torch import load_file

from regard.training.distributed import Processes
from regard.training.log import read_log


def start_all(folder: Path, world: int = 2, **options: Any) -> list[ForkServerProcess]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return [
        start(folder, variables={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}, **options)
        for rank in range(world)
    ]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_two_processes_have_the_losses_of_one(tmp_path: Path, accumulate: int) -> None:
    dials: dict[str, Any] = {"dropped": 0.0, "accumulate": accumulate, "updates": 20}
    one = start(tmp_path / "one", **dials)
    both = start_all(tmp_path / "two", **dials)
    assert [ended(process) for process in (one, *both)] == [0, 0, 0]
    alone, together = read_log(tmp_path / "one"), read_log(tmp_path / "two")
    assert [line["update"] for line in alone] == [line["update"] for line in together]
    for mine, other in zip(together, alone, strict=True):
        if "validation" in other:
            assert mine["validation"]["loss"] == pytest.approx(other["validation"]["loss"], rel=1e-4)
        else:
            for name in ("loss", "half", "gradient_norm"):
                assert mine[name] == pytest.approx(other[name], rel=1e-4)
            assert mine["padding"] == other["padding"]
    ends = [load_file(tmp_path / name) for name in ("one/final", "two/final0", "two/final1")]
    for name, tensor in ends[0].items():
        assert torch.equal(ends[1][name], ends[2][name])
        if name != "calls":
            torch.testing.assert_close(ends[1][name], tensor, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("world", [2, 3])  # only from three on does it matter in which order they add up
def test_a_signal_to_one_stops_all_and_all_go_on(tmp_path: Path, world: int) -> None:
    whole = start_all(tmp_path / "whole", world)
    assert [ended(process) for process in whole] == [0] * world
    some = start_all(tmp_path / "broken", world)
    while not read_log(tmp_path / "broken") and some[1].is_alive():
        time.sleep(0.002)
    os.kill(some[1].pid or 0, signal.SIGTERM)
    assert [ended(process) for process in some] == [143] * world
    again = start_all(tmp_path / "broken", world, resume=True)
    assert [ended(process) for process in again] == [0] * world
    for rank in range(world):
        mine, other = (load_file(tmp_path / run / f"final{rank}") for run in ("broken", "whole"))
        for name, tensor in mine.items():
            assert torch.equal(tensor, other[name]), name


def test_an_error_of_the_first_is_told_by_both(tmp_path: Path) -> None:
    assert [ended(process) for process in start_all(tmp_path, updates=2)] == [0, 0]
    assert [ended(process) for process in start_all(tmp_path, updates=2)] == [2, 2]


def test_processes_of_torchrun_join_again_and_again(tmp_path: Path) -> None:
    script = tmp_path / "joins.py"
    script.write_text(
        "import torch\n"
        "from regard.training.distributed import join\n"
        "for _ in range(4):\n"
        "    with join(torch.device('cpu')) as processes:\n"
        "        assert processes.sum([1.0]) == [2.0]\n"
    )
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    assert subprocess.run([sys.executable, *command], timeout=120, check=False).returncode == 0


def test_alone() -> None:
    assert Processes().gather(3) == [3]
