"""Defines the command that measures how well models find labelled pictures."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from commands.exit_codes import EXIT_INTERRUPTED
from commands.options import AsJson, whole
from commands.output import echo
from commands.printing import print_json
from commands.session import Session, fail, failures_as_exit_codes, interrupt, progress_bars
from commands.terminal import placed
from db.files.evaluations import EvaluationFiles
from db.sources.files import at_home, items_from
from db.sources.tables.parquet import is_folder_of_shards
from encoders.sources import ModelLoader
from library.errors import InvalidEvaluation
from library.evaluation.config import CUTOFFS, TEMPLATES, EvaluationConfig
from library.evaluation.evaluate import check
from library.evaluation.evaluate import evaluate as measure
from library.evaluation.labels import Labelling, OnProgress
from library.evaluation.metrics import Json
from library.evaluation.tasks import CAPTIONS, NAMES, PICTURES, TEMPLATED
from library.ingest.items import Item, source_label
from library.ports import VectorDatabase
from library.texts import shortened
from settings import Settings

TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
TASKS = {
    NAMES: "by class name",
    TEMPLATED: "by templates, averaged",
    PICTURES: "by picture, each left out of its own results",
    CAPTIONS: "by caption",
}
SHOWN_CLASSES = 10
MOST_OF_A_NAME = 80  # characters of a query, a class or a picture


Sources = Annotated[
    list[str] | None,
    typer.Argument(help="As for ingest, or a table (.csv, .tsv, .jsonl, .parquet). Without one: the library."),
]
FoldersAreLabels = Annotated[
    bool, typer.Option("--labels-from-folders", help="The folder a picture lies in is its class.")
]
Template = Annotated[
    list[str] | None,
    typer.Option(help='A text with {} for the class, such as "a photo of a {}". Repeatable.'),
]


def evaluate(
    context: typer.Context,
    sources: Sources = None,
    label_column: Annotated[str, typer.Option(help="The column with the class of each picture.")] = "",
    labels_from_folders: FoldersAreLabels = False,
    captions_column: Annotated[str, typer.Option(help="The column with a text about each picture.")] = "",
    image_column: Annotated[str, typer.Option(help="The column with the pictures' paths or addresses.")] = "filepath",
    model: Annotated[
        list[str] | None, typer.Option(help="A model by its name or folder, instead of CLIP_MODEL. Repeatable.")
    ] = None,
    template: Template = None,
    k: Annotated[str, typer.Option(help="The k of recall@k, with commas between.")] = ",".join(map(str, CUTOFFS)),
    nprobe: Annotated[
        int | None, whole("--nprobe", "How many clusters to look into; as in searches if not given.", 1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measures how well models find labelled pictures by texts and by pictures. The library is not changed."""
    session: Session = context.obj
    given = sources or []
    with failures_as_exit_codes():
        labelling = Labelling(label_column, labels_from_folders, captions_column, 2 if len(given) > 1 else 3)
        config = EvaluationConfig(labelling, _cutoffs(k), tuple(template or TEMPLATES), nprobe)
        with (
            _items(session, given, image_column) as items,
            interrupt() as interrupted,
            progress_bars() as on_progress,
        ):
            named = ", ".join(map(source_label, given)) or "the library"
            session.set_up_log()
            evaluation = _Evaluation(session.settings, model or [], config, named)
            found = evaluation.run(items, on_progress, interrupted.is_set)
    if found is None:
        fail("Stopped: nothing was measured.", EXIT_INTERRUPTED)
    _print(*found, as_json)


@dataclass(frozen=True)
class _Evaluation:
    """Holds what is measured: the models, the chosen one if none is named, on labelled pictures from `source`."""

    settings: Settings
    models: Sequence[str]
    config: EvaluationConfig
    source: str

    def run(
        self, items: Iterable[Item], on_progress: OnProgress, should_stop: Callable[[], bool]
    ) -> tuple[Json, str] | None:
        """Returns the figures, and the path of the file that keeps them; None when it was stopped.

        Raises InvalidEvaluation, UnknownModel or ModelUnavailable: no fallback takes a model's place.
        """
        settings = self.settings
        check(items, self.config)
        loader = ModelLoader.of(settings)
        encoders = [loader.source(name).load() for name in self.models or [""]]
        found = measure(items, self.config, encoders, self._database, self.source, on_progress, should_stop)
        return (found, EvaluationFiles(settings.evaluations_folder).add(found)) if found else None

    @contextmanager
    def _database(self) -> Iterator[VectorDatabase]:
        """Yields a Milvus Lite of its own, of which nothing stays."""
        from db.files.nprobe_choices import NprobeChoices
        from db.milvus.database import Milvus

        with tempfile.TemporaryDirectory(prefix="likeness-evaluation-") as folder:
            choices = NprobeChoices(self.settings.nprobe_file)
            database = Milvus(Path(folder) / "milvus.db", release_after=None, choices=choices)
            try:
                yield database
            finally:
                database.close()


def _cutoffs(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(sorted({int(part) if part.isascii() and part.isdigit() and len(part) < 9 else 0 for part in parts}))


def _is_dataset(source: str) -> bool:
    return "://" not in source and is_folder_of_shards(at_home(placed(source)))


@contextmanager
def _items(session: Session, sources: Sequence[str], image_column: str) -> Iterator[Iterable[Item]]:
    """Yields the items of the sources, or those of the library, which then stays open."""
    tables = [source for source in sources if Path(source).suffix.lower() in TABLES or _is_dataset(source)]
    if len(tables) > 1:
        raise InvalidEvaluation("two_tables")
    if sources:
        table = Path(placed(tables[0])) if tables else None
        others = [source for source in sources if source not in tables]
        files = items_from([*map(placed, others)], sidecars=False)
        if table:  # listed at once, so that what is wrong with its labels is told before anything is encoded
            rows = list(items_from([], table, image_column, sidecars=False))
            files = [*rows, *files] if isinstance(files, list) else chain(rows, files)
        yield files
        return
    with session.library(with_model=False) as library:
        yield library.pictures.items()


# Tables


def _print(evaluation: Json, path: str, as_json: bool) -> None:
    if as_json:
        print_json({name: value for name, value in evaluation.items() if name != "icons"} | {"kept": path})
    else:
        _print_evaluation(evaluation)
        echo(f"\nKept in {path}")


def _print_evaluation(evaluation: Json) -> None:
    left_out = ", ".join(f"{count} {reason}" for reason, count in evaluation["left_out"].items())
    echo(
        f"{evaluation['pictures']:,} pictures of {evaluation['classes']:,} classes from {evaluation['source']}"
        + (f"; left out: {left_out}" if left_out else "")
    )
    for kind, title in TASKS.items():
        rows = list(_task_rows(evaluation, kind))
        if rows:
            count = next(task["count"] for task in evaluation["models"][0]["tasks"] if task["queries"] == kind)
            echo(f"\nPictures {title}, {count:,} queries")
            _print_rows(evaluation["metrics"], rows)
    for model in evaluation["models"]:
        _print_templates(evaluation["metrics"], model)
        _print_classes(model)
        _print_worst(model)
    depth = evaluation["models"][0]["index"]["depth"]
    echo(
        "\nrecall@k: the share of queries with a right picture among the first k. Intervals: 95 %, resampled queries."
        f"\nOf the index the first {depth} results are seen; its difference is that to exact search seen as far."
    )


Row = tuple[str, Json]


def _task_rows(evaluation: Json, kind: str) -> Iterator[Row]:
    for model in evaluation["models"]:
        index = model["index"]
        for task in model["tasks"]:
            if task["queries"] == kind:
                searched = task["through_index"]["queries"]
                some = f", {searched:,} queries" if searched < task["count"] else ""
                yield f"{model['model']}, exact", task["exact"]
                yield f"  nprobe {index['nprobe']} of {index['nlist']}{some}", task["through_index"]["index"]
                yield "  difference by the index", task["through_index"]["difference"]
    for each in evaluation["differences"]:
        if each["queries"] == kind:
            yield f"{each['model']} minus {each['against']}", each["difference"]


def _print_rows(metrics: Sequence[str], rows: Sequence[Row]) -> None:
    """Prints each figure with its interval below it."""
    width = max(len(label) for label, _ in rows)
    titles = [name.replace("mrr", "MRR").replace("map", "mAP") for name in metrics]
    echo(_line("", titles, width))
    for label, figures in rows:
        sign = "+" if any(word in label for word in ("minus", "difference", "gain")) else ""
        echo(_line(label, [_number(figures, name, "value", sign) for name in metrics], width))
        echo(_line("", [_interval(figures, name, sign) for name in metrics], width))


def _line(label: str, cells: Sequence[str], width: int) -> str:
    return f"{label:<{width}}  {'  '.join(f'{cell:<12}' for cell in cells)}".rstrip()


def _number(figures: Json, name: str, part: str, sign: str) -> str:
    """Returns one number of a metric as text: no text where the rankings are not deep enough for the metric, and no
    minus before a zero."""
    return f"{round(figures[name][part], 3) + 0.0:{sign}.3f}" if name in figures else ""


def _interval(figures: Json, name: str, sign: str) -> str:
    low, high = (_number(figures, name, part, sign).replace("0.", ".", 1) for part in ("low", "high"))
    return f"{low}..{high}".removesuffix("..")


def _print_templates(metrics: Sequence[str], model: Json) -> None:
    templates = model["templates"]
    if not templates:
        return
    echo(f"\nWhat templates gain over class names, {model['model']}")
    rows = [(f"gain of {each['template']!r}", each["gain"]) for each in templates["alone"]]
    if len(rows) > 1:
        rows.append((f"gain of all {len(rows)}, averaged", templates["gain"]))
    _print_rows(metrics, rows)


def _print_classes(model: Json) -> None:
    """Prints the worst classes; JSON and the page have all."""
    classes = sorted(model["classes"], key=lambda row: row.get(PICTURES, row.get(NAMES, {})).get("map", 0))
    if not classes:
        return
    echo(f"\nClasses that are found worst by picture, {model['model']}: mAP by picture, by name, by templates")
    names = [shortened(row["class"], MOST_OF_A_NAME) for row in classes[:SHOWN_CLASSES]]
    width = max(map(len, names))
    for name, row in zip(names, classes, strict=False):
        found = "  ".join(
            f"{row[kind]['map']:.3f}" if kind in row else "    -" for kind in (PICTURES, NAMES, TEMPLATED)
        )
        echo(f"  {name:<{width}}  {found}  {row['count']:>6,} pictures")


def _print_worst(model: Json) -> None:
    for task in model["tasks"]:
        echo(f"\nWorst queries {TASKS[task['queries']]}, {model['model']}")
        for each in task["worst"][:5]:
            query = each["text"] or f"{each['picture']['label']}/{each['picture']['name']}"
            first = f"first right at {each['first']}" if each["first"] else "nothing right"
            found = ", ".join(
                shortened(f"{result['label']}/{result['name']}", MOST_OF_A_NAME) for result in each["results"][:3]
            )
            echo(f"  {shortened(query, MOST_OF_A_NAME)}  mAP {each['map']:.3f}, {first}; came first: {found}")
