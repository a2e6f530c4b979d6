"""A whole run under torchrun: one process prepares and writes, both train."""

import json
import os
import signal
import subprocess
import sys

import regard

SCRIPT = """
import sys
from regard.tasks import train
train(sys.argv[1], sys.argv[2])
"""


def test_two_processes_train_as_one(workplace, model_folder, tmp_path):
    script, out = tmp_path / "run.py", tmp_path / "m"
    script.write_text(SCRIPT, encoding="utf-8")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launcher, str(script), str(workplace / "recipe.toml"), str(out)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        assert process.wait(timeout=120) == 0
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # the workers too
        raise
    alone, both = (json.loads((folder / "metrics.json").read_text("utf-8")) for folder in (model_folder, out))
    assert abs(alone["validation"]["loss"] - both["validation"]["loss"]) < 0.05
    assert regard.load(out)("one red cat.").tokens
    assert not list((out / "data").glob(".*"))
