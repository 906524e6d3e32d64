"""The unfolded graph, used as a person with networkx would use it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import networkx as nx
import pytest
from nets import varied

import archc
from archc import api
from archc.analysis.graph import Node, node_of, order
from archc.source import Source

UNET = """
network UNet
input 128x128 x3
block double(c) { conv 3x3 p1 x(c) nobias; bn; relu; conv 3x3 p1 x(c) nobias; bn; relu }
block up(c)     { deconv 2x2/2 x(c) }
enc1: double(32);  pool 2x2
enc2: double(64);  pool 2x2
double(128)
concat< @enc2 | up(64) >; double(64)
concat< @enc1 | up(32) >; double(32)
conv 1x1 x2
"""
SIAMESE = """
network Siamese
input left 105x105 x1
input right 105x105 x1
block twin() { conv 10x10 x64; relu; pool 2x2; flatten; fc 512; sigmoid }
@left; a: twin()
@right; b: reuse a
sub< @a | @b >; abs; fc 1; sigmoid
"""
HEADS = """
network Heads
input 8x8 x4
body: conv 3x3 p1 x8; relu
aux1: aux weight=0.3 < gap; flatten; fc 5 >
gap; flatten
output features
scores: fc 3
output scores
"""


def graph_of(text: str) -> Any:
    analysis = api.analyze(Source("test.arch", text))
    assert analysis.diagnostics == ()
    return analysis.graph


def nodes(graph: Any) -> Iterator[Node]:
    return (node_of(graph, key) for key in order(graph))


@pytest.fixture(scope="module")
def resnet() -> Any:
    return archc.load("resnet50").graph


def test_keys_are_paths_in_the_module_tree(resnet: Any) -> None:
    assert "layer1.0.downsample.0" in resnet
    node = node_of(resnet, "layer2.0.conv2")
    assert [(e.name, e.block) for e in node.path] == [("layer2", None), ("0", "bottleneck")]
    assert (node.operator, node.name, node.label) == ("conv", "conv2", None)
    assert [str(x) for x in node.inputs] == ["56x56 x128"]
    assert str(node.output) == "28x28 x128"
    assert node.params == 128 * 128 * 9
    assert node.macs == node.params * 28 * 28
    assert node.span.text.startswith("conv 3x3")


def test_the_longest_path(resnet: Any) -> None:
    path = nx.dag_longest_path(resnet, weight=None)
    convolutions = [key for key in path if node_of(resnet, key).operator in ("conv", "fc")]
    assert (path[0], path[-1]) == ("input:x", "output:output")
    assert len(convolutions) == 50, "that is where the name comes from"


def test_the_shortest_path_goes_over_the_shortcuts(resnet: Any) -> None:
    path = nx.shortest_path(resnet, "maxpool", "layer1.2.add1")
    assert path == [
        "maxpool", "layer1.0.downsample.0", "layer1.0.downsample.1", "layer1.0.add1",
        "layer1.0.relu3", "layer1.1.add1", "layer1.1.relu3", "layer1.2.add1",
    ]  # fmt: skip


def test_ancestors_and_cuts(resnet: Any) -> None:
    assert nx.ancestors(resnet, "conv1") == {"input:x"}
    assert nx.descendants(resnet, "avgpool") == {"flatten1", "fc", "output:output"}
    parts = list(nx.articulation_points(nx.Graph(resnet)))
    assert "layer1.0.relu3" in parts
    assert "layer1.0.conv2" not in parts


def test_execution_order_is_topological(resnet: Any) -> None:
    place = {key: at for at, key in enumerate(order(resnet))}
    assert all(place[tail] < place[head] for tail, head in resnet.edges())
    some = resnet.subgraph(["fc", "conv1", "bn1"])
    assert order(some) == ["conv1", "bn1", "fc"]


def test_ports_are_the_order_of_the_inputs() -> None:
    graph = graph_of(UNET)
    ports = {data["port"]: tail for tail, _, data in graph.in_edges("concat1", data=True)}
    assert ports == {0: "enc2.relu2", 1: "up1.deconv1"}


def test_a_tensor_may_enter_twice() -> None:
    graph = graph_of("input x8\nadd< | >")
    assert graph.number_of_edges("input:x", "add1") == 2


def test_shared_weights_count_once() -> None:
    graph = graph_of(SIAMESE)
    first, second = node_of(graph, "a.conv1"), node_of(graph, "a.conv1#2")
    assert (first.again, second.again) == (False, True)
    assert first.module == second.module == "a.conv1"
    assert (first.params, second.params) == (6464, 0)
    assert first.macs == second.macs > 0
    assert nx.ancestors(graph, "a.sigmoid1#2") & {"input:left", "input:right"} == {"input:right"}


def test_outputs_and_auxiliary_heads() -> None:
    graph = graph_of(HEADS)
    ends = [key for key in order(graph) if graph.out_degree(key) == 0]
    assert ends == ["output:features", "output:scores", "output:aux1"]
    aside = {node.key for node in nodes(graph) if node.training_only}
    assert aside == {"aux1.0", "aux1.1", "aux1.2", "output:aux1"}
    assert list(graph.predecessors("output:features")) == ["flatten1"]


def test_columns_go_to_their_join() -> None:
    graph = archc.load("fractalnet").graph
    joins = [node for node in nodes(graph) if node.operator == "join"]
    assert not any(node.operator == "columns" for node in nodes(graph))
    assert sorted({graph.in_degree(node.key) for node in joins}) == [1, 2, 3]
    for node in joins:
        assert len(node.inputs) == graph.in_degree(node.key)
        assert all(x == node.output for x in node.inputs)


@pytest.mark.parametrize("name", varied(sorted(archc.bundled())))
def test_totals_and_shapes(name: str) -> None:
    net = archc.load(name)
    graph = net.graph
    assert sum(node.params for node in nodes(graph)) == net.params
    assert sum(node.macs for node in nodes(graph) if not node.training_only) == net.macs
    assert nx.is_directed_acyclic_graph(graph)
    for node in nodes(graph):
        made = [
            (data["port"], node_of(graph, tail).output)
            for tail, _, data in graph.in_edges(node.key, data=True)
        ]
        assert [shape for _, shape in sorted(made, key=lambda pair: pair[0])] == list(node.inputs)
        numbers = [n for shape in (*node.inputs, node.output) for n in shape.dims]
        assert {type(n) for n in (*numbers, node.params, node.macs)} == {int}, "no traced numbers"
        if node.op is not None:
            assert node.op.shape(*node.inputs).dims == node.output.dims


def test_deep_nesting_needs_no_deep_stack() -> None:
    text = "input x4\nblock f(n) { fc 4; if n > 0 { f(n - 1) } }\nf(60)"
    assert len(graph_of(text)) == 1 + 61 + 1


def test_time_is_linear() -> None:
    plan = archc.load("preact_resnet1001").analysis.plan
    assert plan is not None
    from archc.analysis.graph import unfold

    begin = time.perf_counter()
    graph = unfold(plan)
    assert len(graph) > 3000
    assert time.perf_counter() - begin < 2, "a tenth of a second on a quiet machine"
