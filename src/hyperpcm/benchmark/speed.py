"""The part of the benchmark page about speed: all comparisons, screening, and a large run on paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hyperpcm.evaluation.performance import Performance

__all__ = ["speed_section"]

_HEAD: Final = """## Speed

Ratios of two things measured in turns in one process; above 1 we are faster.

| what | ours | against | ratio | unit | threads | peak MB |
|---|---|---|---|---|---|---|"""

_SCREEN: Final = """
### A million compounds from an index

The best thousand of an index of made compounds, their fingerprints as dense as real ones. Bare products are
those that the scores are made of and nothing else, in dense form and by entries; reading is the index read,
checked and unpacked. Memory is that of a process that only screens.

| target | landmarks | trees | screen, s | dense products, s | products by entries, s | reading, s | peak MB |
|---|---|---|---|---|---|---|---|"""

_SCREEN_ON_GPU: Final = """
On {device}, with the index read anew, and with it loaded into the memory of the GPU (`LoadedIndex`):

| target | screen, s | loaded, s | dense products, s | products by entries, s | reading, s | peak MB |
|---|---|---|---|---|---|---|"""

_PANEL_ON_GPU: Final = """
On {device}:

| panel | pairs/s | bare batched product, pairs/s | per pair, pairs/s |
|---|---|---|---|"""

_PANEL: Final = """
### Many targets at once

| panel | pairs/s | bare batched product, pairs/s | per pair, pairs/s |
|---|---|---|---|"""

_INDEX: Final = """
### From SMILES to an index

| encoder | compounds | compounds/s | RDKit parsing and fingerprints alone, compounds/s | bytes per compound |
|---|---|---|---|---|"""

_LAYERS: Final = """
### One layer in three ways

Seconds of a layer of {outputs} outputs for each target on a block of {compounds:,} compounds, on one core.
The difference is the largest of an output to float32, in standard deviations of the outputs.

| layer | float32 | by entries | bfloat16 | difference of bfloat16 |
|---|---|---|---|---|"""

_SERVER: Final = """
### A server

When nobody else asks: the first page in {page:.0f} ms, 100 compounds on a known target in {hundred:.0f} ms, a
new target of {residues} residues in {new:.2f} s. And {clients} clients on the same machine, each of which
asks for {compounds} compounds as soon as it has its answer; memory is that of the server, at the start and at
the end:

| a client asks for | seconds | requests/s | errors | median, ms | 95 %, ms | memory, MB | and then |
|---|---|---|---|---|---|---|---|"""

_COMPOUNDS: Final = 1_000_000_000
_TARGETS: Final = 500
_NODES: Final = (1, 100, 1000)
_DAY: Final = 86_400
_INDEXED_AS: Final[Mapping[str, str]] = MappingProxyType(
    {"default": "default", "network alone, ECFP": "ecfp"}
)
"""Panel → the index that its compounds are scored from."""


def speed_section(folder: Path) -> str:
    """Return the section in Markdown; empty where there is no results file.

    Args:
        folder: of the results of performance.

    Raises:
        TableError: a file cannot be read.
    """
    results = [Performance.read(path) for path in sorted(folder.glob("*.json"))]
    if not results:
        return ""
    found = {result.name: result for result in results}
    parts = ["\n".join([_HEAD, *map(_line, results)])]
    for name, write in _SECTIONS.items():
        if name in found:
            parts.append(write(found[name]))
    if {"panel", "index"} <= found.keys():
        parts.append(_on_paper(found["panel"], found["index"]))
    return "\n".join(parts) + "\n"


def _line(result: Performance) -> str:
    peak = result.detail.get("peak_mb")
    return (
        f"| `{result.name}` | {result.ours:.4g} | {result.against:.4g} | {result.ratio:.2f} "
        f"| {result.unit} | {result.detail.get('threads')} | {'' if peak is None else f'{peak:.0f}'} |"
    )


def _screen(result: Performance) -> str:
    lines = [
        f"| {name} | {one['landmarks']:,} | {one['trees']:,} | {one['seconds']:.3g} | {_bounds(one)} |"
        for name, one in result.detail["targets"].items()
    ]
    return "\n".join([_SCREEN, *lines, "", _ten_times(result.detail)])


def _screen_on_gpu(result: Performance) -> str:
    lines = [
        f"| {name} | {one['seconds']:.3g} | {one['index_on_the_device_seconds']:.3g} | {_bounds(one)} |"
        for name, one in result.detail["targets"].items()
    ]
    head = _SCREEN_ON_GPU.format(device=result.machine["device"])
    return "\n".join([head, *lines, "", _ten_times(result.detail)])


def _bounds(one: Mapping[str, Any]) -> str:
    """The cells of what a screen cannot go below, and of its memory."""
    return (
        f"{one['dense_seconds']:.3g} | {one['by_entries_seconds']:.3g} | {one['reading_seconds']:.2g} "
        f"| {one['in_a_process_of_its_own']['peak_mb']:.0f}"
    )


def _ten_times(detail: Mapping[str, Any]) -> str:
    sizes = "; ".join(
        f"{name}, {own['seconds']:.3g} s and {own['peak_mb']:.0f} MB"
        for name, one in detail["targets"].items()
        for own in [one["ten_times_as_many_compounds"]]
    )
    return f"An index of ten times as many compounds: {sizes}."


def _panel(result: Performance) -> str:
    return "\n".join(
        [_PANEL, *_panels(result.detail), "", f"Per pair: {result.detail['per_pair']['network']}."]
    )


def _panel_on_gpu(result: Performance) -> str:
    return "\n".join([_PANEL_ON_GPU.format(device=result.machine["device"]), *_panels(result.detail)])


def _panels(detail: Mapping[str, Any]) -> list[str]:
    alone = detail["per_pair"]["pairs_per_second"]
    return [
        f"| {detail['targets']} targets, {name} | {one['pairs_per_second']:,.0f} "
        f"| {one['bare_pairs_per_second']:,.0f} | {alone:,.0f} |"
        for name, one in detail["panels"].items()
    ]


def _index(result: Performance) -> str:
    detail = result.detail
    lines = [
        f"| {name} | {one['compounds']:,} | {one['rows_per_second']:,.0f} "
        f"| {one['rdkit_rows_per_second']:,.0f} | {one['bytes_per_row']:.0f} |"
        for name, one in detail["encoders"].items()
    ]
    steps = detail.get("steps_us")
    if steps:
        told = ", ".join(f"{name} {taken:.0f} µs" for name, taken in steps.items())
        lines += ["", f"What RDKit takes for each compound, on one core: {told}."]
    return "\n".join([_INDEX, *lines])


def _layers(result: Performance) -> str:
    detail = result.detail
    lines = []
    for name, one in detail["layers"].items():
        taken = one["seconds"]
        cells = [f"{taken[how]:.3g}" if how in taken else "" for how in ("float32", "by entries", "bfloat16")]
        difference = one["largest_difference"].get("bfloat16")
        cells.append("" if difference is None else f"{difference:.2g}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    head = _LAYERS.format(outputs=detail["outputs_of_a_target"], compounds=detail["compounds"])
    return "\n".join([head, *lines])


def _on_paper(panel: Performance, index: Performance) -> str:
    """What a screen of a billion compounds would take at the rates that were measured."""
    nodes = ", ".join(f"{number:,}" for number in _NODES)
    lines = [
        "",
        f"### {_COMPOUNDS:,} compounds × {_TARGETS} targets, on paper",
        "",
        "Nothing of this size was run. Take a node to be the machine measured above "
        f"({panel.detail['threads']} threads), let nodes share nothing but the library's shards, and divide: "
        f"{_COMPOUNDS:,} ÷ (compounds/s indexed) + {_COMPOUNDS:,} × {_TARGETS} ÷ (pairs/s of a panel). "
        "A day has 86,400 s.",
        "",
        f"| targets | index, days of a node | score, days of a node | days on {nodes} nodes |",
        "|---|---|---|---|",
    ]
    encoders, without = index.detail["encoders"], []
    for name, scored in panel.detail["panels"].items():
        indexed = _INDEXED_AS.get(name)
        if indexed not in encoders:
            without.append(name)
            continue
        of_index = _COMPOUNDS / encoders[indexed]["rows_per_second"] / _DAY
        of_scores = _COMPOUNDS * _TARGETS / scored["pairs_per_second"] / _DAY
        days = ", ".join(f"{(of_index + of_scores) / number:.3g}" for number in _NODES)
        lines.append(f"| {name} | {of_index:.3g} | {of_scores:.3g} | {days} |")
    if without:
        lines += ["", f"No index was timed for {'; '.join(without)}."]
    return "\n".join(lines)


def _server(result: Performance) -> str:
    detail = result.detail
    head = _SERVER.format(
        clients=detail["clients"],
        compounds=detail["compounds_of_a_request"],
        page=1000 * detail["first_page_seconds"],
        hundred=1000 * detail["known_target_100_compounds_seconds"],
        new=detail["new_target_seconds"],
        residues=detail["new_target_residues"],
    )
    lines = [
        f"| {name} | {one['seconds']:.0f} | {one['requests'] / one['seconds']:.0f} | {one['errors']:,} "
        f"| {1000 * one['median_seconds']:.0f} | {1000 * one['p95_seconds']:.0f} "
        f"| {one['memory_mb'][0]:.0f} | {one['memory_mb'][-1]:.0f} |"
        for name, one in detail["crowds"].items()
    ]
    return "\n".join([head, *lines])


_SECTIONS: Final[Mapping[str, Callable[[Performance], str]]] = MappingProxyType(
    {
        "screen_one_target": _screen,
        "screen_one_target_gpu": _screen_on_gpu,
        "panel": _panel,
        "panel_gpu": _panel_on_gpu,
        "index": _index,
        "first_layer": _layers,
        "serve": _server,
    }
)
