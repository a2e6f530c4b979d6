"""All that was seen of a model, by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from regard.lens.capture.record import LayerAttention
from regard.lens.capture.run import Run
from regard.lens.capture.wanted import Wanted
from regard.lens.map import AttentionMap, Axis
from regard.lens.names import axes_at


class Seen(Mapping[str, LayerAttention]):
    """What a model attended to: a mapping from a place's name to what was seen there.

    Steps of a decoder are joined along queries. After several runs of the model, or of a layer that it calls
    several times, the mapping holds the last one; ``runs(name)`` holds them all.

    Args:
        wanted: what is looked for.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._runs: dict[str, list[Run]] = {}
        # Runs are followed at places that are not wanted too: they tell whether a call goes on with a run.
        self._latest: dict[str, Run] = {}
        self._call = 0
        self._goes_on: bool | None = None

    def __getitem__(self, name: str) -> LayerAttention:
        if name not in self._runs:
            raise KeyError(f"{name!r} was not captured; there is: {', '.join(self._runs) or 'nothing'}")
        return self._runs[name][-1].record(name, self._wanted)

    def __iter__(self) -> Iterator[str]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def runs(self, name: str) -> list[LayerAttention]:
        """Every run of the attention called ``name``, in order.

        A layer that a model calls several times, as ALBERT does, has a run for each time. Calls are one run
        where the keys grow by the queries, as in a decoder that caches its keys; where that comes about by
        chance, nothing tells them apart: use one :func:`look` for each. Where a cache has a fixed size
        (static, or a sliding window's once it is full) each step of a decoder is a run.
        """
        return [run.record(name, self._wanted) for run in self._runs.get(name, [])]

    def maps(
        self, axis: Axis, *, written: Axis | None = None, read: Axis | None = None, item: int = 0
    ) -> dict[str, AttentionMap]:
        """Every map with names on its axes, for the views.

        Args:
            axis: names of what the model was given.
            written: of an encoder–decoder, names of what its decoder wrote; those who look across are told
                by their names, and the decoder's own attention by standing under a ``decoder``.
            read: names of what the decoder had read at each position; `written` if not given.
            item: which input of the batch.

        Raises:
            ValueError: an axis is longer than what was captured, or only summaries were kept.

        Example:
            >>> import torch
            >>> from regard.lens import Tokens, look
            >>> model = torch.nn.TransformerEncoderLayer(8, nhead=2, batch_first=True).eval()
            >>> with torch.no_grad(), look(model) as seen:
            ...     _ = model(torch.zeros(1, 2, 8))
            >>> seen.maps(Tokens.of(["the", "cat"]))["self_attn"].weights.shape
            torch.Size([2, 2, 2])
        """
        return {name: self[name].map(*axes_at(name, axis, written, read), item=item) for name in self}

    @property
    def places(self) -> tuple[str, ...]:
        """Where attention ran, wanted or not."""
        return tuple(self._latest)

    def model_called(self) -> None:
        """Says that the model is called anew: for another run, or for the next step of one."""
        self._call += 1
        self._goes_on = None

    def follow(self, name: str, batch: int, queries: int, keys: int) -> Run:
        """The run that a call of these sizes belongs to: the latest one at that place, or a new one.

        Within one call of the model a single query goes on with what there is. Whether another call of the
        model does is told by the first attention that runs in it: its keys have grown by its queries, as
        they do where keys are cached, and only there.
        """
        run = self._latest.get(name)
        if run is not None:
            fits = batch == run.batch and keys >= run.keys
            if self._goes_on is None and run.call != self._call:
                self._goes_on = fits and keys == run.keys + queries
            goes_on = queries == 1 if run.call == self._call else bool(self._goes_on)
            if fits and goes_on:
                return run
        elif self._goes_on is None:
            self._goes_on = False
        return Run(batch)

    def ran(self, name: str, run: Run, queries: int, keys: int) -> None:
        """Counts a call that has ended."""
        run.queries += queries
        run.keys = keys
        run.call = self._call
        self._latest[name] = run

    def keep(self, name: str, run: Run) -> None:
        """Takes a run in, of which something was found."""
        runs = self._runs.setdefault(name, [])
        if not runs or runs[-1] is not run:
            runs.append(run)
