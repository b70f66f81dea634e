"""What an evaluation found, for people: console, files, and a page."""

from bvsrpp_jax.report.console import print_report
from bvsrpp_jax.report.files import write_files
from bvsrpp_jax.report.page import write_page

__all__ = ["print_report", "write_files", "write_page"]
