"""Pages of HTML, one file each: they load nothing and run only their own script."""

from bvsrpp_jax.pages.pictures import WEBP_SIDE, embedded, encoded
from bvsrpp_jax.pages.sealed import SealedPage, sealed_page

__all__ = ["WEBP_SIDE", "SealedPage", "embedded", "encoded", "sealed_page"]
