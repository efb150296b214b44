# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the site: what ``antsibull-docs sphinx-init`` writes, with Markdown and without a network."""

project = "progressive.aws"
author = "The progressive.aws team"
html_title = "progressive.aws"

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", "ansible.inv")}
# Anchors as GitHub makes them, where the same pages are read too.
myst_heading_anchors = 4
exclude_patterns = ["README.md"]

pygments_style = "ansible"
pygments_dark_style = "github-dark"
highlight_language = "text"
default_role = "any"
nitpicky = True

html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["_static"]
html_css_files = ["site.css"]
