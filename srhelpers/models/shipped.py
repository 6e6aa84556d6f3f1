"""Where the models and results that ship are: beside the package in a clone, inside it where pip put it."""

import shutil
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
OWN = "srhelpers_data"  # what a full run writes where the package is installed


def folder(name, *, write=False):
    """The folder of the models or of the results that ship.

    In a clone that is `data/`. An installed package is not written to: the first full run copies what ships
    (50 MB) to `srhelpers_data` in the working folder, and from then on that copy is read and written there.

    Args:
        name: "models" or "results".
        write: whether something is going to be written into it.

    Returns:
        Path.

    Raises:
        FileNotFoundError: the package is there without what ships with it.

    >>> import srhelpers as sr
    >>> (sr.models.shipped.folder("models") / "manifest.json").exists()
    True
    """
    clone, own, inside = places = PACKAGE.parent / "data", Path.cwd() / OWN, PACKAGE / "data"
    found = next((place for place in places if (place / "models" / "manifest.json").exists()), None)
    if found is None:
        raise FileNotFoundError(
            f"Expected the models that ship in {clone} or {inside}; install the package again, from a whole clone."
        )
    if write and found == inside:
        partial = own.with_name(f"{OWN}.part")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(inside, partial)
        found = partial.rename(own)
    return found / name
