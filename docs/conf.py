"""The documents as a site: `make docs` writes build/site/docs/index.html. It fetches nothing from elsewhere.

The source is the whole checkout, so that pages beside docs/ (changelog, contributing, cards) are in the site and links between them
are the same in the site and in the checkout.
"""

import re
from pathlib import Path

project = "reid"
copyright = "the authors of reid; Apache-2.0"  # noqa: A001  a name of Sphinx's
release = re.search(r'VERSION = "([^"]*)"', Path(__file__).parents[1].joinpath("setup.py").read_text("utf-8"))[1]  # type: ignore[index]

root_doc = "docs/index"
include_patterns = ["docs/*.md", "datasets/README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "build", "data", "runs", "reid", "tests"]  # not even looked into
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

highlight_language = "none"  # blocks without a name are output, not Python
myst_heading_anchors = 4
suppress_warnings = [
    "misc.highlighting_failure",  # Pygments does not colour CSV
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__"}
autodoc_preserve_defaults = True
default_role = "code"
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
python_display_short_literal_types = True
add_module_names = False
maximum_signature_line_length = 88

html_theme = "furo"
html_title = "reid"
html_static_path = ["site"]
html_css_files = ["wide.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
