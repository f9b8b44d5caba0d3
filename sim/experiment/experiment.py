"""An experiment file: which scenarios of a case are compared, for how long and how often.

`Experiment.open` reads the file and everything it names (case, scenarios, parameters), and
raises one `InputError` with all that is wrong in any of them, so that nothing is found out after
the first run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.case.case import Case
from sim.case.files import exists, inside, names_in
from sim.case.messages import InputError, Problem, Problems, did_you_mean
from sim.case.parameters import Parameters
from sim.case.schema import AGES
from sim.case.yaml import Document, salvage, validate
from sim.experiment.designs import Design, DesignFile
from sim.experiment.form import BASE, ExperimentFile, Scope, Titles, Values
from sim.experiment.possible import impossible
from sim.experiment.precision import Until

if TYPE_CHECKING:
    from sim.levers.scenario import Scenario
    from sim.outcomes.recorder import Record


@dataclass(frozen=True, eq=False)
class Experiment:
    """A validated experiment with everything it names, opened.

    scope: what was kept of the case, as written; parameters: defaults, case and experiment laid
    over each other; design: what is run beside them; replicates: how many at most; until: when
    fewer are enough; warnings: of the case and its scenarios. ``path`` is None for one made in
    Python.
    """

    path: Path | None
    title: Mapping[str, str]
    case: Case
    scope: Mapping[str, Sequence[str]]
    base: Scenario
    scenarios: tuple[Scenario, ...]
    start: date
    weeks: int
    seed: int
    replicates: int
    parameters: Parameters
    overrides: Mapping[str, float]
    record: Record
    warnings: tuple[Problem, ...] = ()
    design: Design | None = None
    until: Until | None = None

    @staticmethod
    def open(path: str | Path) -> Experiment:
        """The experiment in a file; `InputError` with every fault, its file and line."""
        path, problems = Path(path), Problems()
        document = Document.read(path, problems)
        spec = validate(document, ExperimentFile, problems) if document else None
        if spec is None and document is not None:
            spec = _usable(document)
        if spec is None:
            problems.raise_errors()
        assert document is not None and spec is not None
        return _Opener(spec, problems, path.parent, document).open()

    @staticmethod
    def of(case: str | Path | Case, **keys: Any) -> Experiment:
        """The same from Python: the keys of an experiment file as arguments.

        case: a case, or its directory relative to the working directory. Raises `InputError`.
        """
        folder = case.path if isinstance(case, Case) else case
        data = {"title": "An experiment", "case": str(folder), **keys}
        problems = Problems()
        spec = validate(Document(Path(), data, {}, {}), ExperimentFile, problems)
        # arguments have no place in a file
        problems.found = [replace(p, path=None, line=None, column=None) for p in problems]
        problems.raise_errors()
        assert spec is not None
        return _Opener(spec, problems, Path()).open()

    @cached_property
    def runs_of(self) -> tuple[Scenario, ...]:
        """The scenarios that are run: the base, then the others as listed, each once."""
        return (self.base, *(s for s in self.scenarios if s.name != self.base.name))

    @property
    def points(self) -> tuple[Mapping[str, float], ...]:
        """The values of the design at each of its points; the first has none."""
        return self.design.points if self.design else ({},)

    def parameters_at(self, point: int) -> Parameters:
        """The parameters of a point of the design; of 0 those of the experiment."""
        values = self.points[point]
        return self.parameters.override(values) if values else self.parameters

    @property
    def households(self) -> int:
        """Households in scope."""
        return int(self.case.settlements["households"].sum())

    @property
    def name(self) -> str:
        """What its results directory is called."""
        return self.path.stem if self.path else "experiment"


@dataclass
class _Opener:
    """Opens what the file names, one thing after the other, and gathers what is wrong."""

    spec: ExperimentFile
    problems: Problems
    folder: Path
    document: Document | None = None

    def open(self) -> Experiment:
        from sim.outcomes.recorder import Record

        spec = self.spec
        case = self._case()
        overrides = self._parameters()
        design = self._design(case, overrides)
        self._possible(case, overrides, design)
        base = self._scenario(case, spec.base, ("base",))
        scenarios = [
            self._scenario(case, name, ("scenarios", i)) for i, name in enumerate(spec.scenarios)
        ]
        opened = [s for s in (base, *scenarios) if s is not None]
        self._names(spec.scenarios)
        until = self._until([Path(n).stem for n in (spec.base, *spec.scenarios)])
        self.problems.raise_errors()
        assert case is not None
        start = spec.start or case.meta.start
        of_scenarios = [w for s in opened for w in getattr(s, "warnings", ())]
        warnings = dict.fromkeys([*case.warnings, *of_scenarios, *self.problems])
        every = {k: 1 if v == "weekly" else v for k, v in spec.record.model_dump().items()}
        return Experiment(
            path=self.document.path if self.document else None,
            title=_titles(spec.title),
            case=case,
            scope=spec.scope.model_dump(exclude_none=True),
            base=opened[0],
            scenarios=tuple(opened[1:]),
            start=start,
            weeks=spec.weeks,
            seed=spec.seed,
            replicates=spec.replicates if isinstance(spec.replicates, int) else spec.replicates.max,
            parameters=case.parameters.override(overrides),
            overrides=overrides,
            record=Record(**every),
            warnings=tuple(warnings),
            design=design,
            until=until,
        )

    def _case(self) -> Case | None:
        folder = self._folder()
        if not Case.there(folder):
            near = did_you_mean(folder.name, names_in(folder.parent))
            self._error("missing-case", f"there is no case {folder}", ("case",), near)
            return None
        try:
            case = Case.open(folder)
        except InputError as error:
            self.problems.found += error.problems
            return None
        scope = self.spec.scope
        try:
            return case.scoped(scope.counties, scope.townships) if _cuts(scope) else case
        except InputError as error:
            self._place(error, ("scope",))
            return case  # to check the scenarios with

    def _folder(self) -> Path:
        return self.folder / self.spec.case

    def _parameters(self) -> dict[str, float]:
        given = self.spec.parameters
        keys: tuple[str, ...] = ("parameters",)
        if isinstance(given, DesignFile):
            given, keys = given.fixed, ("parameters", "fixed")
        good = {}
        for name, value in given.items():
            try:
                Parameters.load({name: value})
                good[name] = value
            except InputError as error:
                self._place(error, (*keys, name))
        return good

    def _design(self, case: Case | None, overrides: Values) -> Design | None:
        """The design over the parameters of the case; a broken case has its own faults."""
        spec = self.spec.parameters
        if not isinstance(spec, DesignFile):
            return None
        parameters = (case.parameters if case else Parameters.load()).override(overrides)
        return Design.of(spec, parameters, lambda e, keys: self._place(e, ("parameters", *keys)))

    def _possible(self, case: Case | None, overrides: Values, design: Design | None) -> None:
        """Whether the values of parameters go together, at every point of the design."""
        if case is None:
            return
        values = case.parameters.override(overrides).values()
        persons = case.settlements[list(AGES)].to_numpy().sum(axis=0)
        under_60 = float(persons[:-2].sum() / max(1, persons.sum()))
        keys = ("parameters", "over") if design else ("parameters",)
        for problem in impossible(values, design.points if design else (), under_60):
            self._place(InputError([problem]), keys)

    def _until(self, scenarios: list[str]) -> Until | None:
        spec = self.spec.replicates
        if isinstance(spec, int):
            return None
        if spec.max < spec.min:
            hint = "max is where it ends at the latest"
            self._error("bad-value", "max is less than min", ("replicates", "max"), hint)
        for i, aim in enumerate(spec.aims):
            place = (i,) if isinstance(spec.until, list) else ()
            for key, problem in aim.faults(scenarios):
                self._place(InputError([problem]), ("replicates", "until", *place, key))
        return Until.of(spec.aims, spec.min)

    def _scenario(
        self, case: Case | None, name: str, keys: tuple[str | int, ...]
    ) -> Scenario | None:
        """A scenario on the case; only its form is checked where the case cannot be opened."""
        from sim.levers.scenario import Scenario

        folder = self._folder()
        path = folder / name
        if not Case.there(folder):
            return None
        if not exists(path):
            beside = names_in(path.parent, ".yaml", ".yml")
            hint = did_you_mean(path.name, beside) or "paths are relative to the case's directory"
            self._error("missing-scenario", f"there is no scenario {path}", keys, hint)
            return None
        if not inside(path, [folder]):
            message, hint = f"{name} lies outside the case's directory", "copy it into the case"
            self._error("outside-case", message, keys, hint)
            return None
        found = Problems()
        try:
            if case is not None:
                return Scenario.open(path, case, self._horizon(case))
            from sim.levers.scenario import check_form

            check_form(path, folder, found)
        except InputError as error:
            found.found += error.problems
        # scenarios share their bases, and so their faults
        self.problems.found += [p for p in found if p not in self.problems.found]
        return None

    def _horizon(self, case: Case) -> tuple[date, int] | None:
        """First day and weeks, None where the file's own are at fault."""
        spec, said = self.spec, self.document.data if self.document else {}
        if self.document and (said.get("weeks") != spec.weeks or said.get("start") != spec.start):
            return None
        return spec.start or case.meta.start, spec.weeks

    def _names(self, scenarios: list[str]) -> None:
        """Runs are told apart by the stems of their scenarios' files."""
        seen = {Path(self.spec.base).stem: self.spec.base}
        for i, name in enumerate(scenarios):
            stem = Path(name).stem
            # the base may be listed once more, to be compared with itself
            if seen.setdefault(stem, name) != name or name in scenarios[:i]:
                hint = "remove one of them, or rename its file"
                message = f"two scenarios are called {stem!r}"
                self._error("same-name", message, ("scenarios", i), hint)

    def _place(self, error: InputError, keys: tuple[str | int, ...]) -> None:
        """Takes over faults that do not know where in this file they come from."""
        for problem in error.problems:
            if problem.path is None and self.document is not None:
                line, column = self.document.place(keys)
                problem = replace(problem, path=self.document.path, line=line, column=column)
            self.problems.found.append(problem)

    def _error(self, code: str, message: str, keys: tuple[str | int, ...], hint: str) -> None:
        self._place(InputError([Problem(code, message, hint=hint)]), keys)


def _titles(title: str | Titles) -> dict[str, str]:
    if isinstance(title, str):
        return {"en": title, "zh": title}
    return {"en": title.en, "zh": title.zh or title.en}


def _cuts(scope: Scope) -> bool:
    return scope.counties is not None or scope.townships is not None


def _usable(document: Document) -> ExperimentFile | None:
    """What can be used of a file with faults, to check what it names."""
    base = document.data.get("base") if isinstance(document.data, dict) else None
    some = {"title": "?", "weeks": 1, "scenarios": [base if isinstance(base, str) else BASE]}
    return salvage(document, ExperimentFile, (), some)
