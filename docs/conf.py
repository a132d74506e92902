"""How Sphinx builds these pages: ``make docs`` writes ``docs/_build/html``, and any warning is an error.

Nothing is fetched, when they are built or when they are read: formulas are MathML, fonts are the reader's own.
"""

import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

project = "ddlab"
author = "the authors of ddlab"
copyright = "the authors of ddlab, Apache-2.0"
release = version = version_of("ddlab")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "_extensions.mathml",
    "_extensions.settings",
    "_extensions.aliases",
    "_extensions.catalogue",
]
exclude_patterns = ["_build", "_generated", "_extensions"]
templates_path = ["_templates"]
smartquotes = False  # "--set" stays as it is typed

# ---- pages

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # no page has widgets, and none loads a script from elsewhere

# Cells run in a profile of their own, whatever the reader's is, and their kernel tells errors alone.
profile = HERE / "_build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n', encoding="utf-8")
os.environ["IPYTHONDIR"] = str(profile.parent)

# ---- the API, from the docstrings

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"exclude-members": "model_config, model_post_init"}
numpydoc_show_class_members = False
maximum_signature_line_length = 100
add_module_names = False

# ---- how it looks

html_theme = "furo"
html_title = "ddlab"
html_logo = "../assets/icon.png"
html_favicon = "../assets/icon.png"
html_static_path = ["_static"]
html_css_files = ["ddlab.css"]
html_show_sourcelink = False
html_copy_source = False
