"""Running a function in a process that is killed."""

import inspect
import os
import subprocess
import sys
import time

import keras


def kill(function, folder, epoch):
    """Run it in a process of its own, and kill that after an epoch."""
    code = f"import sys\n{inspect.getsource(function)}\n{function.__name__}(sys.argv[1], 0.6)"
    environment = os.environ | {"KERAS_BACKEND": keras.backend.backend()}
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], env=environment)
    deadline = time.monotonic() + 200
    while not (folder / f"epoch-{epoch:05d}").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (folder / "result.csv").exists()
