"""What a comparison found, and what is said of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from deploy_magics.errors import VerificationError
from deploy_magics.verifying._arrays import Difference


@dataclass(frozen=True)
class Verification:
    """Whether a changed model computes what the original does.

    Attributes
    ----------
    differences : tuple of Difference
        One an output of the original, in its order.
    inputs : int
        How many inputs both ran on.
    runtime : str
        Name and version of what ran them.
    tolerance : float
        Largest share of its local range (its own size and the range of its channel) by which a value may differ.
    reason : str
        Where the tolerance comes from: the coarsest type of the model, or the user.
    asked : bool
        Whether the user gave the tolerance; then it holds for integers as well.
    random : frozenset of str
        Outputs in which the original differs from itself from run to run: only their shape and type are compared.
    missing, added : tuple of str
        Outputs that only the original, or only the changed model has.
    notes : tuple of str
        What else is to be known, one line each.
    """

    differences: tuple[Difference, ...]
    inputs: int
    runtime: str
    tolerance: float
    reason: str
    asked: bool = False
    random: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, one line each; empty where the two agree."""
        return (*self._others, *(text for each in self.differences if (text := self.problem_of(each))))

    @property
    def value_problems(self) -> tuple[str, ...]:
        """What of that is more than another type for the same numbers."""
        return (*self._others, *(text for each in self.differences if (text := self.value_problem_of(each))))

    @property
    def _others(self) -> tuple[str, ...]:
        gone = (f"output {name!r} is gone" for name in self.missing)
        return (*gone, *(f"output {name!r} was not there before" for name in self.added))

    @property
    def ok(self) -> bool:
        """Whether the two agree within the tolerance."""
        return not self.problems

    @property
    def proves_nothing(self) -> bool:
        """Whether no output is a number that depends on the inputs, so that agreement means little."""
        compared = [each for each in self.differences if each.name not in self.random]
        return not any(each.values and not each.constant and not each.undefined for each in compared)

    @property
    def verdict(self) -> str:
        """What it comes to, in some words."""
        if not self.ok:
            return "computes something else"
        if self.random and all(each.name in self.random for each in self.differences):
            return "is random, which cannot be compared"
        return "comparing it proves nothing" if self.proves_nothing else "computes the same"

    @property
    def max_rel(self) -> float:
        """Largest difference as a share of its output's range, over the outputs that can be compared."""
        return max((each.max_rel for each in self.differences if each.name not in self.random), default=0.0)

    @property
    def max_abs(self) -> float:
        """Largest absolute difference, over the outputs that can be compared."""
        return max((each.max_abs for each in self.differences if each.name not in self.random), default=0.0)

    def require(self, what: str, *, hint: str = "the original is kept") -> None:
        """Raise where the two do not agree.

        Parameters
        ----------
        what : str
            The changed model, as the subject of the sentence: ``"the simplified resnet50"``.
        hint : str
            What follows from it.

        Raises
        ------
        VerificationError
            In one line, with the first two problems.
        """
        problems = self.problems
        if problems:
            more = f" (and {len(problems) - 2} more)" if len(problems) > 2 else ""
            raise VerificationError(
                f"{what} does not compute what the original does: {'; '.join(problems[:2])}{more}", hint=hint
            )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Give what a table shows above itself, as pairs of name and value."""
        inputs = f"{self.inputs} {'input' if self.inputs == 1 else 'inputs'}"
        compared = [each for each in self.differences if each.name not in self.random]
        numbers = [each for each in compared if not each.exact]
        if not compared:
            return (("verified", f"type and shape only, on {inputs}"),)
        if not numbers:
            return (("verified", f"equal on {inputs}"),)
        error = f"{self.max_rel:.1e} of the output's range over {inputs}" if self.max_rel else f"0 over {inputs}"
        tolerance = f"{self.tolerance:.0e} ({self.reason})"
        cosine = min(each.cosine for each in numbers)
        return (("max error", error), ("tolerance", tolerance), ("cosine", f"{cosine:.7f}"))

    def remarks(self) -> tuple[tuple[str, bool], ...]:
        """Give what stands below a table: lines, and whether each is a warning."""
        lines: list[tuple[str, bool]] = []
        for each in self.differences:
            if each.name in self.random:
                text = f"output {each.name!r} is random: the original differs from itself; only type and shape compared"
                lines.append((text, True))
            elif not each.values:
                lines.append((f"output {each.name!r} is empty on these inputs: comparing it proves nothing", True))
            elif each.undefined:
                text = f"output {each.name!r} is not a finite number anywhere: comparing it proves nothing"
                lines.append((text, True))
            elif each.constant:
                text = f"output {each.name!r} is the same for every input tried: comparing it proves nothing"
                lines.append((text, True))
            if each.flips > 0 and each.name not in self.random:
                rows = "row" if each.flips == 1 else "rows"
                lines.append((f"the largest value of {each.name!r} stands elsewhere in {each.flips} {rows}", True))
        return (*lines, *((note, False) for note in self.notes))

    def to_plain(self) -> dict[str, Any]:
        """Give the figures as JSON's own types; NaN as None."""
        plain = asdict(self)
        plain.update(random=sorted(self.random), ok=self.ok)
        plain.update({key: list(plain[key]) for key in ("differences", "missing", "added", "notes")})
        for each in plain["differences"]:
            each.update({key: None for key, value in each.items() if isinstance(value, float) and value != value})
            each.update({key: str(value) for key, value in each.items() if value in (float("inf"), float("-inf"))})
        return plain

    def problem_of(self, each: Difference) -> str:
        """Say what is wrong with one output; "" where it agrees."""
        found = self.value_problem_of(each)
        if not found and each.typed:
            return f"output {each.name!r}: {each.typed}"
        return found

    def value_problem_of(self, each: Difference) -> str:
        """Say what is wrong with the values of one output, whatever their type; "" where they agree."""
        if each.problem:
            return f"output {each.name!r}: {each.problem}"
        if each.name in self.random:
            return ""
        if each.exact and not (self.asked and each.max_abs == each.max_abs) and not (each.steps and each.max_abs <= 1):
            if each.unequal:
                return f"output {each.name!r} ({each.dtype}) differs in {each.unequal} of {each.values} values"
            return ""
        if not each.max_rel <= self.tolerance:
            return (
                f"output {each.name!r} is off by {each.max_abs:.3g}, {each.max_rel:.1e} of its local range "
                f"(tolerance {self.tolerance:.0e})"
            )
        return ""
