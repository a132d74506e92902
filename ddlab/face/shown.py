"""Tables and figures by name, of what is no run."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


class Shown:
    """Something that has tables and figures: the base of what is asked for them as a run is, and is none."""

    _tables: ClassVar[Mapping[str, str]] = {}
    _figures: ClassVar[Mapping[str, str]] = {}

    @property
    def tables(self) -> dict[str, str]:
        """Names of all tables, with what is in them and their settings: for :meth:`table`."""
        from ddlab.face import listed

        return listed.described(listed.loaded(self._tables))

    @property
    def figures(self) -> dict[str, str]:
        """Names of all figures, with what they show and their settings: for :meth:`figure`."""
        from ddlab.face import listed

        return listed.described(listed.loaded(self._figures))

    def table(self, name: str, **settings: Any) -> "pd.DataFrame":
        """A table, as the pages show it beside their figures.

        Parameters
        ----------
        name
            One of :attr:`tables`.
        **settings
            Of this table; :attr:`tables` tells which.

        Raises
        ------
        ValueError
            If there is no such table or setting, or a value is not allowed; names the choices.

        Examples
        --------
        >>> import ddlab
        >>> len(ddlab.preview("theorem").table("subdomains"))
        4
        """
        from ddlab.face import listed

        made: pd.DataFrame = listed.make("table", listed.loaded(self._tables), name, self, settings)
        return made

    def figure(self, name: str, **settings: Any) -> "go.Figure":
        """A figure, as the pages draw it: ``show()`` it, ``write_html`` it, or change it.

        Parameters
        ----------
        name
            One of :attr:`figures`.
        **settings
            As :meth:`table` takes them; :attr:`figures` tells which there are.

        Raises
        ------
        ValueError
            As :meth:`table`.

        Examples
        --------
        >>> import ddlab
        >>> figure = ddlab.playground("valley").figure("step", step=2, surface="model")
        >>> type(figure).__name__
        'Figure'
        """
        from ddlab.face import listed

        return listed.make("figure", listed.loaded(self._figures), name, self, settings)
