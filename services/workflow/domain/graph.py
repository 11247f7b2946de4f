"""What routes need of graphs: reach, cycles, longest path; a graph maps a node to those that follow it."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache

Graph = Mapping[str, tuple[str, ...]]


def reach(graph: Graph, start: Iterable[str], *, avoiding: str | None = None) -> frozenset[str]:
    """Return what can be reached from *start*, itself included, without passing *avoiding*."""
    seen: set[str] = set()
    left = [node for node in start if node != avoiding]
    while left:
        node = left.pop()
        if node not in seen:
            seen.add(node)
            left += [after for after in graph[node] if after != avoiding]
    return frozenset(seen)


def after(graph: Graph, node: str) -> frozenset[str]:
    """Return what comes after *node*, without itself unless it is on a cycle."""
    return reach(graph, graph[node])


def on_cycle(graph: Graph) -> set[str]:
    """Return the nodes that can be reached from themselves."""
    return {node for node in graph if node in after(graph, node)}


def ranks(graph: Graph) -> dict[str, int]:
    """Return for each node of an acyclic graph the length of the longest way to it."""
    before: dict[str, list[str]] = {node: [] for node in graph}
    for node, following in graph.items():
        for other in following:
            before[other].append(node)

    @cache
    def rank(node: str) -> int:
        return max((rank(other) + 1 for other in before[node]), default=0)

    return {node: rank(node) for node in graph}


def longest(graph: Graph, start: Iterable[str], weight: Callable[[str], Decimal]) -> Decimal:
    """Return the greatest sum of weights along a way from *start*."""

    @cache
    def rest(node: str) -> Decimal:
        return weight(node) + max((rest(other) for other in graph[node]), default=Decimal(0))

    return max((rest(node) for node in start), default=Decimal(0))
