"""The documentation: sphinx-build -W -c docs . build/docs. Its source is the root, so the README's links hold in it."""

import base64
import contextlib
import hashlib
import io
import os
import re
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.parsers.rst import Directive

import srhelpers
from srhelpers.__main__ import main

project = "Super-resolution, hands on"
copyright = "the srhelpers authors, MIT licence"
release = srhelpers.__version__

extensions = [
    "myst_nb",
    "sphinx_external_toc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
external_toc_path = "docs/_toc.yml"
include_patterns = ["*.md", "data/README.md", "docs/**", "notebooks/*.ipynb"]
exclude_patterns = ["docs/_*"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["wide.css"]
html_additional_pages = {"index": "index.html"}  # leads to README.html

nb_execution_mode = "off"  # they are kept executed
myst_heading_anchors = 3
autodoc_mock_imports = ["fsspec", "ray"]  # of the extra cluster; the pages need no more than their names
autodoc_typehints = "description"
autodoc_member_order = "bysource"
default_role = "py:obj"  # `name` in a docstring is a link where that name is documented, else code
linkcheck_ignore = [r"https://(colab\.research\.google|kaggle)\.com/.*"]


class CommandHelp(Directive):
    """What `srhelpers --help` prints, or that of the command that is named."""

    optional_arguments = 1

    def run(self):
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
            main([*self.arguments, "--help"])
        return [nodes.literal_block(text=printed.getvalue(), language="text")]


def describe_figures(app, doctree):
    """Put the alt texts of a lesson's figures where myst-nb leaves them out; it names files by their SHA-256."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = nbformat.read(path, 4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ()) if "data" in output]
    words = {
        hashlib.sha256(base64.b64decode(data)).hexdigest(): output.metadata[kind].alt
        for output in outputs
        for kind, data in output.data.items()
        if "alt" in output.metadata.get(kind, {})
    }
    for image in doctree.findall(nodes.image):
        if alt := words.get(Path(image["uri"]).stem):
            image["alt"] = alt


def keep_dots(app, what, name, obj, options, lines):
    """`.keras` would lose its dot, which in a link means "look everywhere"."""
    lines[:] = [re.sub(r"(?<!`)(`\.\w+`)(?!`)", r"`\1`", line) for line in lines]


def setup(app):
    os.environ["COLUMNS"] = "100"  # of the helps
    app.add_directive("command-help", CommandHelp)
    app.connect("doctree-read", describe_figures)
    app.connect("autodoc-process-docstring", keep_dots)
