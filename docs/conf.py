"""How Sphinx builds the site; ``make site`` lays the sources and calls it."""

import os
import re

import otosome

project = "otosome"
author = "The otosome developers"
version = release = otosome.__version__
extensions = ["sphinx.ext.autodoc", "myst_nb"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["schemas"]
suppress_warnings = ["misc.highlighting_failure"]  # CSV is no language Pygments knows
html_theme = "pydata_sphinx_theme"
html_title = f"otosome {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "header_links_before_dropdown": 7,
    "use_edit_page_button": False,
}
html_context = {"default_mode": "light"}
copyright = "The otosome developers. Research only; not for treating anyone"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = os.environ.get("OTOSOME_NOTEBOOKS", "off")
nb_execution_raise_on_error = True
nb_execution_timeout = 600
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"exclude-members": "__init__, __new__"}

_ITEM = re.compile(r"^(``[^`]+``(?:,?\s``[^`]+``)*|returns|raises|source|Source:)\s+(.*)$")


def _fields(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """A docstring's aligned lines, ``name  meaning`` with what follows indented, as a list with a term each."""
    paragraphs = "\n".join(lines).split("\n\n")
    lines[:] = [line for paragraph in paragraphs for line in (*_paragraph(paragraph.splitlines()), "")]


def _paragraph(lines: list[str]) -> list[str]:
    if not any(_ITEM.match(line) for line in lines):
        return (
            lines if all(line.startswith(" ") for line in lines if line) else [line.strip() for line in lines]
        )
    made: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if item:
            made += [item[1], f"    {item[2].strip()}"]
        elif made:
            made.append(f"    {line.strip()}")
        else:
            made.append(line.strip())
    return made


def setup(app: object) -> None:
    """Let Sphinx read otosome's docstrings."""
    app.connect("autodoc-process-docstring", _fields)  # type: ignore[attr-defined]
