"""Memory traffic of each operation, and the peak of what must be held at once.

Assumptions, the same for every model, so that figures compare:

- each operation reads each of its operands once and writes each result once (an ideal cache inside an operation, none
  between operations): the bytes a roofline model takes;
- weights are read at the size they are stored in, also where DequantizeLinear or Reshape stand between;
- Reshape, Flatten, Squeeze, Unsqueeze, Identity and Dropout are views: they move nothing and hold nothing of their own;
- QuantizeLinear and DequantizeLinear are fused into their neighbours, as runtimes for quantised models do: those read
  and write the quantised tensor;
- Gather and Slice read what they select, not the whole table; Shape and Size read nothing;
- nothing is computed in place; further outputs that nobody reads (masks, indices) are not made;
- what depends on constants alone is computed once at load and costs nothing at inference.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from deploy_magics.counting.program import Body, Op, Program, Uncountable, Value
from deploy_magics.counting.weights import stored

_VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
_SELECTS = frozenset({"Gather", "GatherElements", "GatherND", "Slice", "com.microsoft.GatherBlockQuantized"})
_READS_NOTHING = frozenset({"Shape", "Size", "ConstantOfShape", "Constant"})
_CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})


@dataclass(slots=True)
class Buffers:
    """Which value's memory each value uses.

    Attributes
    ----------
    of : dict of Value to Value
        A view's, or a fused tensor's, real one; absent for a value that has memory of its own.
    """

    of: dict[Value, Value] = field(default_factory=dict)

    def find(self, value: Value) -> Value:
        """Give the value in whose memory this one lies."""
        path = []
        while value in self.of:
            path.append(value)
            value = self.of[value]
        for passed in path:
            self.of[passed] = value
        return value


def buffers(program: Program) -> Buffers:
    """Find views and fused quantisation in a program."""
    found = Buffers()
    for op in program.ops():
        source = op.given(0)
        made = op.outputs[0] if op.outputs else None
        if source is None or made is None or op.foldable:
            continue
        if op.kind in _VIEWS or op.kind == "DequantizeLinear":
            found.of[made] = source
        elif op.kind == "QuantizeLinear" and _only_use(source, op):
            found.of[source] = made
    return found


def _only_use(value: Value, op: Op) -> bool:
    """Whether a value is made only to be quantised, so that its maker can write the quantised one instead."""
    maker = value.producer
    return (
        maker is not None
        and maker.kind not in _VIEWS
        and maker.kind not in _CONTROL
        and maker.body is op.body
        and not value.constant
        and not value.is_output
        and len(value.uses) == 1
    )


def made_by(op: Op) -> list[Value]:
    """List what an operation writes: a further output that nobody reads, such as a mask or indices, is not made."""
    return [
        value
        for index, value in enumerate(op.outputs)
        if value is not None and (index == 0 or value.uses or value.is_output)
    ]


def traffic(op: Op, held: Buffers) -> tuple[int, int]:
    """Count the bytes one operation reads and writes.

    Parameters
    ----------
    op : Op
        The operation.
    held : Buffers
        Of its program.

    Returns
    -------
    read, written : int
        In bytes.

    Raises
    ------
    Uncountable
        Where a shape or a type is unknown.
    """
    if op.foldable or op.kind in _VIEWS or op.kind in _CONTROL or op.kind == "DequantizeLinear":
        return 0, 0
    if op.kind == "QuantizeLinear" and op.inputs and op.inputs[0] in held.of:
        return 0, 0
    written = sum(held.find(value).nbytes() for value in made_by(op))
    if op.kind in _READS_NOTHING:
        return 0, written
    operands = [value for value in op.inputs if value is not None]
    read = 0
    if op.kind in _SELECTS:
        read = written
        operands = operands[1:]
    seen: set[Value] = set()
    for value in operands:
        place = stored(value) if value.constant else held.find(value)
        if place not in seen:
            seen.add(place)
            read += place.nbytes()
    return read, written


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that is held at once.

    Attributes
    ----------
    nbytes : int
        Bytes of inputs, outputs and intermediate tensors alive together; without weights.
    at : str
        Name of the operation during which that is so.
    unknown : int
        How many tensors were left out because their size is unknown: with any, the peak is a lower bound.
    """

    nbytes: int
    at: str
    unknown: int


def activation_peak(program: Program, held: Buffers, never: Collection[Body] = ()) -> Peak:
    """Find the activation peak by liveness.

    A tensor lives from the operation that makes it to the last that reads it, both included; an input from the
    start; an output to the end. Operations run in the file's order. While an If, Loop or Scan runs, the peak of its
    (largest) subgraph is held besides. Views share memory; nothing is done in place; constants are left out.

    Parameters
    ----------
    program : Program
        The model.
    held : Buffers
        Of the same program.
    never : collection of Body
        Subgraphs that are known never to run.
    """
    inside: dict[Body, tuple[int, str]] = {}
    unknown: set[Value] = set()
    for body in reversed(program.bodies):  # inner ones first
        inside[body] = (0, "") if body in never else _body_peak(body, held, inside, unknown)
    nbytes, at = inside[program.main]
    return Peak(nbytes, at, len(unknown))


def _body_peak(body: Body, held: Buffers, inside: dict[Body, tuple[int, str]], unknown: set[Value]) -> tuple[int, str]:
    first: dict[Value, int] = {}
    last: dict[Value, int] = {}

    def touch(value: Value | None, step: int) -> None:
        if value is None or value.constant:
            return
        place = held.find(value)
        if place.body is body:
            first.setdefault(place, step)
            last[place] = max(last.get(place, step), step)

    for given in body.inputs:
        touch(given, 0)
    for step, op in enumerate(body.ops):
        for used in (*op.inputs, *op.captures, *made_by(op)):
            touch(used, step)
    end = max(len(body.ops) - 1, 0)
    for given in body.outputs:
        touch(given, end)
    change = [0] * (end + 2)
    for value, step in first.items():
        try:
            size = value.nbytes()
        except Uncountable:
            unknown.add(value)
            continue
        change[step] += size
        change[last[value] + 1] -= size
    best, at, alive = 0, "", 0
    for step in range(end + 1):
        alive += change[step]
        running = body.ops[step] if step < len(body.ops) else None
        deepest = max((inside[b] for b in running.bodies), default=(0, "")) if running else (0, "")
        if alive + deepest[0] > best:
            best = alive + deepest[0]
            at = deepest[1] or (running.name if running else "")
    return best, at
