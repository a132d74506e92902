"""A run as others hold it: what it came to, its images and its networks."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ddlab.data.source import Dataset, SplitName
from ddlab.decomposition import Decomposition
from ddlab.face.standing import Standing

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go
    from torch import Tensor, nn

OF_RUNS = ("seed", "beside")  # settings of all tables and figures


class Run(Standing):
    """One execution of an experiment.

    Made by :func:`ddlab.train`, found by :func:`ddlab.run` and :func:`ddlab.all_runs`. It holds no process and no
    data: everything is read from the run's folder when it is asked for, so that several programs may look at one run.

    Examples
    --------
    >>> import ddlab
    >>> run = ddlab.run("latest")                                   # doctest: +SKIP
    >>> run.state, run.accuracies()[["title", "validation"]]        # doctest: +SKIP
    """

    # ---- tables and figures

    @property
    def tables(self) -> dict[str, str]:
        """Names of all tables, with what is in them and their settings: for :meth:`table`."""
        from ddlab.face import listed

        return listed.described(listed.tables())

    @property
    def figures(self) -> dict[str, str]:
        """Names of all figures, with what they show and their settings: for :meth:`figure`."""
        from ddlab.face import listed

        return listed.described(listed.figures())

    def table(
        self, name: str, *, seed: int | None = None, beside: "Sequence[Run]" = (), **settings: Any
    ) -> "pd.DataFrame":
        """A table of the run, as the pages show it beside their figures.

        Parameters
        ----------
        name
            One of :attr:`tables`.
        seed
            Of the run's seeds, for tables of one seed; None: the first.
        beside
            Further runs, for tables that compare runs.
        **settings
            Of this table; :attr:`tables` tells which.

        Raises
        ------
        ValueError
            If there is no such table, seed or setting, or the run has not what it needs; names the choices.

        Examples
        --------
        >>> import ddlab
        >>> ddlab.run("example").table("confusion", strategy="majority").shape
        (4, 4)
        """
        from ddlab.face import listed

        of = self._material(seed, beside)
        made: pd.DataFrame = listed.make("table", listed.tables(), name, of, settings, OF_RUNS)
        return made

    def figure(
        self, name: str, *, seed: int | None = None, beside: "Sequence[Run]" = (), **settings: Any
    ) -> "go.Figure":
        """A figure of the run, as the pages draw it: ``show()`` it, ``write_html`` it, or change it.

        Parameters
        ----------
        name
            One of :attr:`figures`.
        seed, beside, **settings
            As :meth:`table` takes them; :attr:`figures` tells which settings there are.

        Raises
        ------
        ValueError
            As :meth:`table`.

        Examples
        --------
        >>> import ddlab
        >>> figure = ddlab.run("example").figure("decision", image=3, strategy="average")
        >>> type(figure).__name__
        'Figure'
        """
        from ddlab.face import listed

        return listed.make("figure", listed.figures(), name, self._material(seed, beside), settings, OF_RUNS)

    def accuracies(self) -> "pd.DataFrame":
        """Every strategy: accuracy over the seeds (0 to 1) with its 95 % interval, epochs, operations, time (s)."""
        return self.table("accuracies")

    def curves(self) -> "pd.DataFrame":
        """Every epoch of everything that is trained, of all seeds: loss, accuracy (0 to 1), learning rate."""
        return self.table("curves")

    # ---- data and networks

    @property
    def dataset(self) -> Dataset:
        """The images as bytes ``(M, C, *shape)``, split into training, validation and perhaps test."""
        from ddlab.data.cache import load

        return load(self.experiment.dataset)

    @cached_property
    def decomposition(self) -> Decomposition:
        """The decomposition of its images; ``split`` and ``merge`` work on arrays and tensors."""
        from ddlab.problem import pose

        return pose(self.experiment).decomposition

    def images(self, split: SplitName = "validation", indices: Sequence[int] | None = None) -> "Tensor":
        """Images as the run's networks see them: normalised, float32, ``(B, C, *shape)``.

        Parameters
        ----------
        split
            ``train``, ``validation`` or ``test``.
        indices
            Which of them; None: all.

        Raises
        ------
        ValueError
            If there is no such split or image.
        """
        from ddlab.strategies.trained import load_images

        count = len(self._split(split).labels)
        if wrong := [index for index in indices or () if not 0 <= index < count]:
            raise ValueError(f"indices: {split} has the images 0 to {count - 1}, got {wrong[0]}")
        return load_images(self.folder, split, range(count) if indices is None else indices)

    def labels(self, split: SplitName = "validation") -> "np.ndarray":
        """The true classes ``(M,)`` of a split, as indices of ``run.dataset.description.classes``."""
        import numpy as np

        return np.asarray(self._split(split).labels)

    def normalise(self, images: "Tensor") -> "Tensor":
        """Images of your own, ``(B, C, *shape)`` with values in [0, 1], as the run's networks see them.

        Raises
        ------
        ValueError
            If the shape is not that of the run's images, or a value is outside.
        """
        from ddlab.strategies.trained import normalised

        about = self.dataset.description
        wanted = (about.channels, *about.shape)
        if tuple(images.shape[1:]) != wanted:
            raise ValueError(f"images: needs the shape (B, {', '.join(map(str, wanted))}), got {tuple(images.shape)}")
        if images.numel() and not 0 <= float(images.min()) <= float(images.max()) <= 1:
            raise ValueError(f"images: needs values in [0, 1], got {float(images.min()):g} to {float(images.max()):g}")
        return normalised(self.folder, 255 * images)

    def networks(self, seed: int | None = None) -> dict[str, str]:
        """Names of all trained networks of a seed, with their titles: for :meth:`network`."""
        from ddlab.exports.networks import exportable

        return exportable(self.folder, self._seed(seed))

    def network(self, name: str, seed: int | None = None) -> "nn.Module":
        """A trained network, as a plain module in evaluation mode, on the processor, without gradients.

        It takes normalised images ``(B, C, *shape)``, as :meth:`images` and :meth:`normalise` give them, and gives
        logits ``(B, K)``. A local network takes subimages: ``run.decomposition.split(images)[0]`` for ``local-1``.

        Parameters
        ----------
        name
            One of :meth:`networks`, such as ``global``, ``composed``, ``local-1`` or ``cnn_dnn``.
        seed
            Of the run's seeds; None: the first.

        Raises
        ------
        ValueError
            If there is no such network or seed, or the run was kept without weights; names the choices.

        Examples
        --------
        >>> import ddlab
        >>> run = ddlab.run("latest")                                             # doctest: +SKIP
        >>> logits = run.network("global")(run.images("validation", range(8)))    # doctest: +SKIP
        """
        from ddlab.exports.networks import exported

        seed = self._seed(seed)
        if not self.networks(seed):
            raise ValueError(f"network: run {self.id} has no weights: none are trained yet, or it was kept without")
        return exported(self.folder, seed, name).module

    # ---- its parts

    def _split(self, name: SplitName) -> Any:
        from ddlab.face.material import chosen

        return self.dataset.split(chosen("split", name, self.dataset.splits))

    def _seed(self, seed: int | None) -> int:
        from ddlab.face.material import chosen

        return chosen("seed", seed, self.experiment.seeds)

    def _material(self, seed: int | None, beside: "Sequence[Run]") -> Any:
        from ddlab.face.material import Material

        return Material(self.folder, self._seed(seed), tuple(other.folder for other in beside))
