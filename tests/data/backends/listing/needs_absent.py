"""A backend that needs a package nobody has."""

import nobody_has_this_package  # noqa: F401
