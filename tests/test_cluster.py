"""Folders by the workers of a Ray cluster of two nodes, some of which are lost on the way."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import srhelpers as sr
from srhelpers.__main__ import main

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
cluster_utils = pytest.importorskip("ray.cluster_utils")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two nodes of this machine, whose workers import what we do."""
    if sys.platform != "linux":
        pytest.skip("Ray makes clusters of several nodes on Linux only")
    folder = tmp_path_factory.mktemp("cluster")
    # jsonschema, which Ray's processes import, would spend seconds on a grammar; Ray waits no longer than 15.
    (folder / "rfc3987_syntax.py").write_text("raise ImportError")
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(folder), str(Path(sr.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("SR_CACHE_DIR", str(folder / "cache"))
        patch.setenv("AWS_ACCESS_KEY_ID", "me")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = stored = None
        if has_store():
            from moto.server import ThreadedMotoServer

            server = ThreadedMotoServer("127.0.0.1", 0)
            server.start()
            stored = "http://{}:{}".format(*server.get_host_and_port())
            patch.setenv("AWS_ENDPOINT_URL", stored)
        made = cluster_utils.Cluster(initialize_head=True, head_node_args=_node())
        made.second, made.folder = made.add_node(**_node()), folder
        ray.init(made.address, log_to_driver=False)
        yield made
        ray.shutdown()
        made.shutdown()
        if server:
            server.stop()


def _node():
    return {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}


def has_store():
    try:
        import moto.server
        import s3fs
    except ModuleNotFoundError:
        return False
    return bool(moto.server and s3fs)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pictures(folder, count, size=24):
    random = np.random.default_rng(0)
    for number in range(count):
        file = Path(folder, *["sub"] * (number % 2), f"{number}.{'png' if number % 3 else 'jpg'}")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (size, size, 3), "uint8")).save(file)


def workers(folder):
    """The processes of this cluster that hold a network."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name, environment = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::") and b"MapWorker" in name and os.fsencode(folder) in environment:
            yield int(place.name)


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in Path(folder).rglob("*") if file.is_file()
    }


def wait_for(count):
    while len(list(Path("out").rglob("[!.]*.*"))) < count:
        time.sleep(0.002)


@pytest.mark.slow
def test_a_worker_is_killed_and_a_node_removed_and_all_is_made_once(here, cluster):
    pictures("in", 200)
    (here / "in" / "broken.png").write_text("no picture")
    events = []

    def there():
        return {file: file.stat().st_ino for file in Path("out").rglob("[!.]*.*")}

    def disturb():
        wait_for(20)
        events.append(("killed", there()))
        os.kill(next(workers(cluster.folder)), signal.SIGKILL)
        wait_for(60)
        events.append(("removed", there()))
        cluster.remove_node(cluster.second, allow_graceful=False)

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    options = {"scale": 4, "progress": False}
    summary = sr.upscaling.cluster.upscale_files("in", "out", workers=2, **options)
    disturbing.join()
    print([(event, len(before)) for event, before in events], summary)
    assert [event for event, _ in events] == ["killed", "removed"]
    assert all(len(before) < 200 for _, before in events), "in the middle"
    assert len(summary.done) == len(set(summary.done)) == 200 and not summary.skipped
    assert [source.name for source in summary.failed] == ["broken.png"]
    after = there()
    assert all(before.items() <= after.items() for _, before in events), "what was there stays as it was: none twice"
    sr.upscaling.folders.upscale_files("in", "plain", **options)
    assert contents("out") == contents("plain"), "none half, and nothing else"


@pytest.mark.slow
def test_the_command_shares_a_folder_and_goes_on(here, cluster, capsys):
    pictures("in", 20)
    photo = keras.Input((None, None, 3))
    keras.Model(photo, keras.layers.UpSampling2D(2)(photo)).save("mine.keras")
    (here / "in" / "broken.png").write_text("no picture")
    (here / "in" / "clip.mp4").write_text("no clip")
    command = ["upscale", "in", "-o", "out", "--model", "mine.keras", "--ray", cluster.address, "--workers", "1"]
    for counts in ("20 done, 0 skipped, 2 failed", "0 done, 20 skipped, 2 failed"):
        assert main(command) == 1
        shown = capsys.readouterr()
        assert counts in shown.out
        assert "in/broken.png: Expected a whole PNG" in shown.err and "in/clip.mp4: Expected a picture" in shown.err
    (here / "in" / "broken.png").unlink()
    (here / "in" / "clip.mp4").unlink()
    assert main([*command, "--overwrite"]) == 0
    assert "20 done, 0 skipped, 0 failed" in capsys.readouterr().out
    assert main([*command[:-4], "-o", "plain"]) == 0
    assert contents("out") == contents("plain")


@pytest.mark.slow
@pytest.mark.skipif(not has_store(), reason="s3fs and moto[server] are not installed")
def test_an_object_store_holds_the_same_bytes(here, cluster):
    import s3fs

    pictures("in", 12)
    Path("in/broken.png").write_text("no picture")
    store = s3fs.S3FileSystem()
    store.mkdir("photos")
    store.put("in", "photos/in", recursive=True)
    photo = keras.Input((None, None, 3))
    keras.Model(photo, keras.layers.UpSampling2D(2)(photo)).save("mine.keras")
    run = {"model": "mine.keras", "workers": 1, "progress": False}
    upscale = sr.upscaling.cluster.upscale_files
    summary = upscale("s3://photos/in", "s3://photos/out", **run)
    assert (len(summary.done), list(summary.failed)) == (12, ["s3://photos/in/broken.png"])
    assert len(upscale("s3://photos/in", "s3://photos/out", **run).skipped) == 12
    assert len(upscale("s3://photos/in", "here", **run).done) == 12
    assert len(upscale("s3://photos", "s3://photos/out", suffix="_x2", **run).done) == 12, "the output is no input"
    sr.upscaling.folders.upscale_files("in", "plain", "mine.keras", progress=False)
    stored = {name.removeprefix("photos/out/"): store.cat_file(name) for name in store.find("photos/out")}
    expected = contents("plain")
    assert {name: content for name, content in stored.items() if "_x2" not in name} == expected == contents("here")


def test_addresses_are_planned_as_folders_are():
    import fsspec

    store = fsspec.filesystem("memory")
    for name in ("a.png", "a.jpg", "sub/b.JPG", ".hidden/c.png", "notes.txt", "out/a.png"):
        store.pipe_file(f"/photos/{name}", b"")
    planned = sr.upscaling.cluster._plan(["memory://photos"], "memory://photos/out", "webp", "")
    assert {source.rpartition("photos/")[2]: target for source, target in planned.items()} == {
        "a.jpg": "memory:///photos/out/a_jpg.webp",
        "a.png": "memory:///photos/out/a_png.webp",
        "sub/b.JPG": "memory:///photos/out/sub/b.webp",
    }
    with pytest.raises(FileNotFoundError, match="got 'memory://nothing', where there is none"):
        sr.upscaling.cluster._plan(["memory://nothing"], "memory://out", None, "")
    with pytest.raises(sr.runtime.UserError, match="Expected a folder as output"):
        sr.upscaling.cluster._plan(["memory://photos"], "memory://out.png", None, "")


@pytest.mark.parametrize("place", ["", "memory://scales/"])
def test_another_scale_says_what_was_there(here, place, monkeypatch):
    import fsspec

    monkeypatch.setattr(sr.upscaling.cluster, "_results", None)  # no worker is needed for it
    for name, size in (("in/a.png", (6, 8)), ("in/b.png", (6, 8)), ("out/a.png", (12, 16)), ("out/b.png", (12, 16))):
        with fsspec.open(f"{place}{name}", "wb", auto_mkdir=True) as file:
            Image.new("RGB", size).save(file, "PNG")
    options = {"model": "voc_plain", "progress": False}
    summary = sr.upscaling.cluster.upscale_files(f"{place}in", f"{place}out", scale=2, **options)
    assert (len(summary.skipped), summary.notes) == (2, {})
    summary = sr.upscaling.cluster.upscale_files(f"{place}in", f"{place}out", scale=4, **options)
    said = ["It was there already, with 12×16 pixels; ×4 makes 24×32. Choose another folder to keep both."]
    assert len(summary.skipped) == 2 and list(summary.notes.values()) == said


def test_workers_need_ray(capsys):
    assert main(["upscale", "in", "-o", "out", "--workers", "2"]) == 1
    assert "Expected --ray where --workers is given" in capsys.readouterr().err
