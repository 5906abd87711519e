"""Count a whole model: work and traffic of every node, parameters, activation peak, and what was not counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from deploy_magics.counting import arithmetic, memory, products
from deploy_magics.counting.control import find_flow
from deploy_magics.counting.conventions import Convention
from deploy_magics.counting.conventions import convention as find_convention
from deploy_magics.counting.linking import build
from deploy_magics.counting.program import Body, Op, Shape, Uncountable
from deploy_magics.counting.weights import Role, Weight, find_weights, parameters_of

if TYPE_CHECKING:
    import onnx

Status = Literal["counted", "outside", "moves data", "folded", "unknown shape", "unknown op"]


@dataclass(frozen=True, slots=True)
class NodeCount:
    """What one node costs at each inference, all its runs together.

    Attributes
    ----------
    name : str
        Name, with the way to it through subgraphs.
    kind : str
        Operator type, with its domain unless that is ONNX's own.
    status : str
        ``"counted"``; ``"outside"`` of the convention; ``"moves data"``; ``"folded"``: depends on constants alone and
        is computed once at load; ``"unknown shape"``; ``"unknown op"``.
    why : str
        The reason, where it could not be counted.
    macs, flops : int or None
        None unless counted.
    read, written : int or None
        Bytes; None where a shape is unknown, with the reason in ``bytes_why``.
    bytes_why : str
        See above.
    weights : tuple of Weight
        Parameters that it reads; a shared one stands at each of its users.
    times : int
        How often it runs in one inference.
    output : tuple or None
        Shape of its first output.
    """

    name: str
    kind: str
    status: Status
    why: str
    macs: int | None
    flops: int | None
    read: int | None
    written: int | None
    bytes_why: str
    weights: tuple[Weight, ...]
    times: int
    output: Shape | None

    @property
    def params(self) -> int:
        """Parameters that it reads."""
        return sum(weight.elements for weight in self.weights)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a model costs, by one convention.

    Attributes
    ----------
    convention : Convention
        How it was counted.
    nodes : tuple of NodeCount
        In the order in which they run; branches that are not taken and loops that never run are left out.
    macs, flops : int
        Totals of one inference.
    read, written : int
        Total traffic in bytes.
    params : int
        Parameters, a shared one once, those of all branches.
    arithmetic_params : int
        How many of them are constants of Add, Mul and the like: biases and folded scales, or tables.
    statistics : int
        Running means and variances of batch normalisation; not in ``params``.
    weight_bytes : int
        Bytes of all stored constants.
    peak : Peak
        Activation peak.
    shared : int
        Parameters that more than one node reads.
    notes : tuple of str
        What was assumed of control flow.
    """

    convention: Convention
    nodes: tuple[NodeCount, ...]
    macs: int
    flops: int
    read: int
    written: int
    params: int
    arithmetic_params: int
    statistics: int
    weight_bytes: int
    peak: memory.Peak
    shared: int
    notes: tuple[str, ...] = ()

    @property
    def intensity(self) -> float | None:
        """Arithmetic intensity in FLOPs per byte; None where nothing moves."""
        moved = self.read + self.written
        return self.flops / moved if moved else None

    def not_counted(self, status: Status) -> dict[str, int]:
        """Give the kinds of nodes with a status and how many there are, the most frequent first."""
        found = Counter(node.kind for node in self.nodes if node.status == status)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


@dataclass(slots=True)
class _Cost:
    """Cost of one run of one operation, its subgraphs apart."""

    status: Status
    why: str = ""
    macs: int | None = None
    flops: int | None = None
    read: int | None = None
    written: int | None = None
    bytes_why: str = ""

    @property
    def weight(self) -> tuple[int, int, int]:
        return self.flops or 0, self.macs or 0, (self.read or 0) + (self.written or 0)


def count(model: onnx.ModelProto, by: str = "conv+linear") -> Counts:
    """Count a model.

    Parameters
    ----------
    model : onnx.ModelProto
        With inferred shapes; a node whose shapes are unknown is listed as not counted. Weights need not be loaded.
    by : str
        Name of the convention; see :data:`~deploy_magics.counting.CONVENTIONS`.

    Returns
    -------
    Counts
        Totals, and each node.

    Raises
    ------
    ArgumentError
        Where there is no such convention.
    ModelError
        Where functions call each other without bound.

    Notes
    -----
    Of an If, the branch that a constant condition takes counts, else the one with more work (FLOPs, then MACs, then
    bytes); parameters count in both. A Loop whose number of iterations is a constant, or computed from constants and
    known shapes, counts that often, any other one once. A Scan counts as often as its sequence is long.

    Examples
    --------
    >>> from onnx import TensorProto as T, helper as h
    >>> x, y = (h.make_tensor_value_info(n, T.FLOAT, s) for n, s in (("x", [2, 3]), ("y", [2, 5])))
    >>> w = h.make_tensor("w", T.FLOAT, [3, 5], [0.0] * 15)
    >>> graph = h.make_graph([h.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y], [w])
    >>> found = count(h.make_model(graph))
    >>> found.macs, found.flops, found.params, found.read, found.written, found.peak.nbytes
    (30, 60, 15, 84, 40, 64)
    """
    rules = find_convention(by)
    program = build(model)
    held = memory.buffers(program)
    costs = {op: _cost(op, rules, held) for op in program.ops()}
    flow = find_flow(program, {op: cost.weight for op, cost in costs.items()})
    weights, unsized = find_weights(program)
    nodes: list[NodeCount] = []
    runs: dict[Body, int] = {program.main: 1}
    for body in program.bodies:
        if body.owner is not None:
            runs[body] = runs[body.owner.body] * flow.times[body]
    users: Counter[int] = Counter()
    for op in program.ops():
        read_weights = tuple(parameters_of(op, weights))
        users.update(id(weight) for weight in read_weights)
        if runs[op.body]:
            nodes.append(_node(op, costs[op], runs[op.body], read_weights))
    parameters = [weight for weight in weights.values() if weight.is_parameter]
    notes = [*flow.notes]
    if any(node.kind.startswith("com.microsoft.nchwc.") for node in nodes):
        notes.append("convolutions in ONNX Runtime's blocked layout count with their channels padded to whole blocks")
    if unsized:
        notes.append(f"{len(unsized)} constants are left out of the parameters: {unsized[0]}")
    return Counts(
        convention=rules,
        nodes=tuple(nodes),
        macs=sum(node.macs or 0 for node in nodes),
        flops=sum(node.flops or 0 for node in nodes),
        read=sum(node.read or 0 for node in nodes),
        written=sum(node.written or 0 for node in nodes),
        params=sum(weight.elements for weight in parameters),
        arithmetic_params=sum(w.elements for w in parameters if w.role is Role.ARITHMETIC),
        statistics=sum(w.elements for w in weights.values() if w.role is Role.STATISTIC),
        weight_bytes=sum(weight.nbytes for weight in weights.values()),
        peak=memory.activation_peak(program, held, flow.never),
        shared=sum(weight.elements for weight in parameters if users[id(weight)] > 1),
        notes=tuple(notes),
    )


def _node(op: Op, cost: _Cost, times: int, weights: tuple[Weight, ...]) -> NodeCount:
    def scaled(figure: int | None) -> int | None:
        return None if figure is None else figure * times

    first = next((value for value in op.outputs if value is not None), None)
    return NodeCount(
        name=op.name,
        kind=op.kind,
        status=cost.status,
        why=cost.why,
        macs=scaled(cost.macs),
        flops=scaled(cost.flops),
        read=scaled(cost.read),
        written=scaled(cost.written),
        bytes_why=cost.bytes_why,
        weights=weights,
        times=times,
        output=first.shape if first else None,
    )


def _cost(op: Op, rules: Convention, held: memory.Buffers) -> _Cost:
    cost = _work(op, rules)
    try:
        cost.read, cost.written = memory.traffic(op, held)
    except Uncountable as why:
        cost.bytes_why = str(why)
    return cost


def _work(op: Op, rules: Convention) -> _Cost:
    """Count the work of one run of one operation."""
    if op.kind in ("Constant", "ConstantOfShape"):
        return _Cost("moves data")
    if op.foldable:
        return _Cost("folded")
    product = products.CONVOLUTIONS.get(op.kind)
    if product is None:
        product = products.LINEAR.get(op.kind)
        if product is not None and not rules.linear:
            return _Cost("outside")
    try:
        if product is not None:
            return _product(op, product(op), rules)
        rule = arithmetic.rules(rules.others).get(op.kind)
        if rule is not None:
            return _Cost("counted", macs=0, flops=rule(op))
    except Uncountable as why:
        return _Cost("unknown shape", str(why))
    except (TypeError, ValueError, IndexError) as error:
        return _Cost("unknown shape", f"its inputs or attributes are not what the operator takes ({error})")
    if arithmetic.moves_data(op.kind):
        return _Cost("moves data")
    if arithmetic.is_arithmetic(op.kind):
        return _Cost("outside")
    return _Cost("unknown op", f"there is no rule for {op.kind}")


def _product(op: Op, work: products.Products, rules: Convention) -> _Cost:
    macs = work.macs
    if rules.bias == "mac" and op.kind in products.CONVOLUTIONS:
        macs += work.bias
    flops = 2 * macs
    if rules.bias == "flop":
        flops += work.bias
    if rules.others == "all":
        flops += work.extra
    if op.kind == "Einsum" and not flops:  # it multiplies element by element, or only transposes
        return _Cost("outside" if work.extra else "moves data")
    return _Cost("counted", macs=macs, flops=flops)
