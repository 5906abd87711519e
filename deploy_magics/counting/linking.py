"""From an ``onnx.ModelProto`` to a :class:`~deploy_magics.counting.program.Program`.

The walk has its own stack: subgraphs of If, Loop and Scan become bodies of their operation, calls of model-local
functions are replaced by their bodies, and every use of a name points at its value.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from deploy_magics.counting.program import Body, Op, Program, Shape, Value
from deploy_magics.errors import ModelError

if TYPE_CHECKING:
    import onnx

MAX_OPS = 200_000
"""Functions that call functions multiply; past this many operations the expansion is refused."""

_RANDOM = {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
_Call = tuple[str, str, str]  # a function by domain, name and overload
_GRAPH, _GRAPHS = 5, 10  # AttributeProto.GRAPH, AttributeProto.GRAPHS


class _Scope:
    """Names seen from one graph or function body."""

    __slots__ = ("attributes", "names", "outer")

    def __init__(self, outer: _Scope | None, attributes: dict[str, Any] | None = None) -> None:
        self.outer = outer
        self.names: dict[str, Value] = {}
        # Attributes of the function call, to which attributes inside its body may refer.
        self.attributes: dict[str, Any] = {}
        if attributes is not None:
            self.attributes = attributes
        elif outer is not None:
            self.attributes = outer.attributes

    def find(self, name: str) -> Value | None:
        scope: _Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None


def build(model: onnx.ModelProto) -> Program:
    """Link a model.

    Parameters
    ----------
    model : onnx.ModelProto
        Best with inferred shapes; without them most values have none. Weights need not be loaded.

    Raises
    ------
    ModelError
        Where functions call each other so often that more than a million operations result.
    """
    check_functions(model)
    builder = _Builder(model)
    main = Body("", None)
    builder.pending.append((model.graph, main, _Scope(None), ""))
    while builder.pending:
        builder.graph(*builder.pending.popleft())
    for body in builder.bodies:
        body.ops = _sorted(body)
    program = Program(main, builder.bodies)
    _mark_constants(program)
    return program


def check_functions(model: onnx.ModelProto) -> None:
    """Refuse functions that call themselves or expand without bound, before any of them is expanded.

    Raises
    ------
    ModelError
        Where they do.
    """
    functions = _functions(model)
    sizes: dict[_Call, int] = {}
    opened: set[_Call] = set()
    # Each entry is visited twice: to open the functions it calls, then to add up their sizes.
    stack: list[tuple[_Call | None, list[Any]]] = [(None, _all_nodes(model.graph.node))]
    while stack:
        key, listed = stack[-1]
        missing = {call for call in map(_call, listed) if call in functions and call not in sizes}
        if missing:
            if key is not None:
                opened.add(key)
            if missing & opened:
                raise ModelError(f"its function {min(missing & opened)[1]!r} calls itself")
            stack.extend((call, _all_nodes(functions[call].node)) for call in missing)
            continue
        stack.pop()
        size = sum(sizes.get(_call(node), 1) for node in listed)
        if size > MAX_OPS:
            raise ModelError(f"its functions expand to more than {MAX_OPS:,} operations")
        if key is not None:
            sizes[key] = size
            opened.discard(key)


class _Builder:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.functions = _functions(model)
        self.pending: deque[tuple[Any, Body, _Scope, str]] = deque()
        self.bodies: list[Body] = []

    def graph(self, graph: onnx.GraphProto, body: Body, scope: _Scope, path: str) -> None:
        """Link one graph; its subgraphs are queued."""
        self.bodies.append(body)
        infos = {info.name: info for group in (graph.value_info, graph.output, graph.input) for info in group}
        for tensor in graph.initializer:
            self._constant(scope, body, tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            self._constant(scope, body, sparse.values.name, sparse)
        for info in graph.input:
            if info.name not in scope.names:
                body.inputs.append(self._value(scope, body, info.name, infos))
        self._nodes(graph.node, body, scope, path, infos)
        for info in graph.output:
            value = scope.find(info.name)
            if value is None:
                continue
            if value.body is body:
                value.is_output = True
            elif body.owner is not None:
                value.uses.append((body.owner, -1))
                _capture(body.owner, value)
            body.outputs.append(value)

    def _nodes(self, nodes: Any, body: Body, scope: _Scope, path: str, infos: dict[str, Any]) -> None:
        """Link a list of nodes; a function call pushes its own list, so that no call recurses."""
        self._declare(nodes, body, scope, infos)
        stack: list[tuple[Iterator[Any], _Scope, str]] = [(iter(nodes), scope, path)]
        while stack:
            rest, scope, path = stack[-1]
            node = next(rest, None)
            if node is None:
                stack.pop()
                continue
            function = self.functions.get(_call(node))
            if function is None:
                self._op(node, body, scope, path)
                continue
            inner = _Scope(None, _attributes(node, scope.attributes, function))
            for name, outer_name in zip(function.input, node.input, strict=False):
                found = scope.find(outer_name) if outer_name else None
                if found is not None:
                    inner.names[name] = found
            for name, outer_name in zip(function.output, node.output, strict=False):
                if not outer_name:
                    continue
                target = scope.names[outer_name]
                if name in inner.names:  # the function hands an input through
                    self._identity(inner.names[name], target, body, path)
                else:
                    inner.names[name] = target
            self._declare(function.node, body, inner, {info.name: info for info in function.value_info})
            stack.append((iter(function.node), inner, f"{path}{node.name or node.op_type}/"))

    def _declare(self, nodes: Any, body: Body, scope: _Scope, infos: dict[str, Any]) -> None:
        # Before any node is linked, since files exist whose nodes are not in order.
        for node in nodes:
            for name in node.output:
                if name and name not in scope.names:
                    self._value(scope, body, name, infos)

    def _op(self, node: onnx.NodeProto, body: Body, scope: _Scope, path: str) -> None:
        domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
        op = Op(
            proto=node,
            kind=domain + node.op_type,
            inputs=[self._find(name, body, scope) if name else None for name in node.input],
            outputs=[scope.names[name] if name else None for name in node.output],
            body=body,
            path=path,
            attributes=_attributes(node, scope.attributes),
        )
        body.ops.append(op)
        for index, value in enumerate(op.inputs):
            if value is not None:
                value.uses.append((op, index))
                if value.body is not body and body.owner is not None:
                    _capture(body.owner, value)
        for value in op.outputs:
            if value is not None:
                value.producer = op
        if op.kind == "Constant":
            self._hold(op, body)
        for attribute in node.attribute:
            graphs = [attribute.g] if attribute.type == _GRAPH else list(attribute.graphs)
            if attribute.type not in (_GRAPH, _GRAPHS):
                continue
            for graph in graphs:
                inside = Body(attribute.name, op)
                op.bodies.append(inside)
                own = node.name or f"{node.op_type} -> {next(iter(node.output), '')}"
                self.pending.append((graph, inside, _Scope(scope), f"{path}{own}/{attribute.name}/"))

    def _identity(self, source: Value, target: Value, body: Body, path: str) -> None:
        from onnx import helper

        node = helper.make_node("Identity", [source.name], [target.name])
        op = Op(node, "Identity", [source], [target], body, path, {})
        body.ops.append(op)
        source.uses.append((op, 0))
        target.producer = op

    def _find(self, name: str, body: Body, scope: _Scope) -> Value:
        # A name that nothing makes would be the checker's business; here it is a value of which nothing is known.
        return scope.find(name) or self._value(scope, body, name, {})

    def _value(self, scope: _Scope, body: Body, name: str, infos: dict[str, Any]) -> Value:
        dtype, shape = _type_of(infos.get(name))
        value = scope.names[name] = Value(name, dtype, shape, body)
        return value

    def _constant(self, scope: _Scope, body: Body, name: str, tensor: Any) -> None:
        value = self._value(scope, body, name, {})
        _fill(value, tensor)
        body.constants.append(value)

    def _hold(self, op: Op, body: Body) -> None:
        value = next((v for v in op.outputs if v is not None), None)
        if value is None:
            return
        value.constant = True
        for name, content in op.attributes.items():
            if name in ("value", "sparse_value"):
                _fill(value, content)
            elif name in ("value_float", "value_int"):
                value.dtype, value.shape = (1 if name.endswith("float") else 7), ()
            elif name in ("value_floats", "value_ints"):
                value.dtype, value.shape = (1 if name.endswith("floats") else 7), (len(content),)
        body.constants.append(value)


def _functions(model: onnx.ModelProto) -> dict[_Call, Any]:
    return {(f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions}


def _call(node: Any) -> _Call:
    return node.domain, node.op_type, getattr(node, "overload", "")


def _all_nodes(nodes: Any) -> list[Any]:
    """List nodes with those of their subgraphs."""
    found: list[Any] = []
    pending = [nodes]
    while pending:
        for node in pending.pop():
            found.append(node)
            for attribute in node.attribute:
                pending.extend(graph.node for graph in attribute.graphs)
                if attribute.type == _GRAPH:
                    pending.append(attribute.g.node)
    return found


def _fill(value: Value, tensor: Any) -> None:
    value.tensor, value.constant = tensor, True
    value.shape = tuple(tensor.dims)
    value.dtype = tensor.values.data_type if hasattr(tensor, "indices") else tensor.data_type


def _type_of(info: Any) -> tuple[int, Shape | None]:
    if info is None:
        return 0, None
    tensor = info.type.tensor_type
    if not info.type.HasField("tensor_type"):
        return 0, None
    if not tensor.HasField("shape"):
        return tensor.elem_type, None
    return tensor.elem_type, tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else (dim.dim_param or None)
        for dim in tensor.shape.dim
    )


def _attributes(node: Any, outer: dict[str, Any], function: Any = None) -> dict[str, Any]:
    """Read a node's attributes, those of the surrounding call in place of references, and a function's defaults."""
    from onnx import helper

    values = {}
    for attribute in getattr(function, "attribute_proto", ()):
        values[attribute.name] = helper.get_attribute_value(attribute)
    for attribute in node.attribute:
        if attribute.type in (_GRAPH, _GRAPHS):
            continue
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in outer:
                values[attribute.name] = outer[attribute.ref_attr_name]
            continue
        try:
            values[attribute.name] = helper.get_attribute_value(attribute)
        except ValueError:
            continue  # an attribute of no known type: the operator is not one that is counted
    return values


def _capture(owner: Op, value: Value) -> None:
    """Note that ``value``, used inside ``owner``'s subgraph, must live while the operation of its own body runs."""
    op: Op | None = owner
    while op is not None and op.body is not value.body:
        op = op.body.owner
    if op is not None and value not in op.captures:
        op.captures.append(value)


def _sorted(body: Body) -> list[Op]:
    """Order operations so that each comes after those whose values it reads, else as the file has them."""
    place = {op: index for index, op in enumerate(body.ops)}
    needs: list[set[int]] = []
    ordered = True
    for index, op in enumerate(body.ops):
        makers = (value.producer for value in (*op.inputs, *op.captures) if value is not None)
        need = {place[maker] for maker in makers if maker is not None and maker in place}
        ordered = ordered and all(other < index for other in need)
        needs.append(need)
    if ordered:
        return body.ops
    readers: list[list[int]] = [[] for _ in needs]
    for index, need in enumerate(needs):
        for other in need:
            readers[other].append(index)
    ready = [index for index, need in enumerate(needs) if not need]
    heapq.heapify(ready)
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            needs[reader].discard(index)
            if not needs[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(needs):  # a cycle, which the door for models refuses; count what is there
        order += sorted(set(range(len(needs))) - set(order))
    return [body.ops[index] for index in order]


def _mark_constants(program: Program) -> None:
    """Follow constants through operations that read nothing else."""
    # A model without inputs is all constants, and yet it computes: there, only stored tensors count as such.
    if not program.main.inputs:
        return
    for op in program.ops():
        read = [value for value in op.inputs if value is not None]
        if not read or op.bodies or op.captures or op.proto.op_type in _RANDOM:
            continue
        if all(value.constant for value in read):
            for value in op.outputs:
                if value is not None:
                    value.constant = True
