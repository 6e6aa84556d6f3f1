"""The documentation: sphinx-build -W -c docs . build/docs. Its source is the root, so the README's links hold in it."""

import srhelpers

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
autodoc_typehints = "description"
autodoc_member_order = "bysource"
default_role = "py:obj"  # `name` in a docstring is a link where that name is documented, else code
linkcheck_ignore = [r"https://(colab\.research\.google|kaggle)\.com/.*"]
