"""A wheel has the pages, what they show, and the examples, so that ``ddlab app`` works outside a checkout.

In a checkout they lie at the root, where ``streamlit run app.py`` finds them; in a wheel in ``ddlab/_app``, where
``ddlab.home.shipped`` looks. All else is said in ``pyproject.toml``.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SHIPPED = ("app.py", ".streamlit", "assets", "examples", "pages")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")


class BuildWithPages(build_py):
    """Build the package, and put what is shipped with it inside."""

    def run(self) -> None:
        """Build; an editable installation finds everything in the checkout."""
        super().run()
        if self.editable_mode:
            return
        inside = Path(self.build_lib, "ddlab", "_app")
        shutil.rmtree(inside, ignore_errors=True)  # of an earlier build
        inside.mkdir(parents=True)
        for name in SHIPPED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, inside / name, ignore=LEFT_OUT)
            else:
                shutil.copy2(source, inside / name)


setup(cmdclass={"build_py": BuildWithPages})
