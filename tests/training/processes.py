"""The toy's training in processes of their own."""

import multiprocessing
import os
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from unittest import mock

import toy

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["toy", "torch._dynamo", "torch.utils.tensorboard"])  # seconds to import


def start(folder: Path, **options: Any) -> ForkServerProcess:
    process = SERVER.Process(target=toy.train, args=(folder,), kwargs=options)
    with mock.patch.dict(os.environ, PYTHONPATH=str(Path(__file__).parent)):  # to find toy
        process.start()
    return process


def ended(process: ForkServerProcess) -> int:
    process.join(60)
    assert process.exitcode is not None, "the run hangs"
    return process.exitcode
