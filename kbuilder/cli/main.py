"""Arguments of the command, and which function does each verb."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from kbuilder import __version__
from kbuilder.document.errors import FileRefusedError, KBuilderError
from kbuilder.document.formats import FORMATS, known_endings

FAILED, REFUSED = 1, 3
VERBS = (
    "demo",
    "train",
    "adapt",
    "base",
    "freeze",
    "export",
    "import",
    "inspect",
    "check",
    "trust",
    "runs",
    "sweep",
    "predict",
    "evaluate",
    "digest",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if not words or (words[0] not in VERBS and not words[0].startswith("-")):
            return _window(words)
        options = _parser().parse_args(words)
        return int(options.work(options))
    except FileRefusedError as error:
        return _say(error, REFUSED)
    except KBuilderError as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        # Before or after the engine's own handling of Ctrl-C: nothing is under way that needs saving.
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output has gone, as in `kbuilder runs P | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _say(error: Exception, code: int) -> int:
    sys.stderr.write(f"kbuilder: {error}\n")
    return code


def _window(words: list[str]) -> int:
    from kbuilder.cli.display import open_window

    parser = argparse.ArgumentParser("kbuilder")
    parser.add_argument("project", nargs="?", type=Path, help="project or model to open")
    options = parser.parse_args(words)
    if options.project is not None and not options.project.exists():
        raise FileRefusedError(
            f"“{options.project}” does not exist. Give the path of a project, or no path."
        )
    return open_window(path=options.project)


def _demo(options: argparse.Namespace) -> int:
    from kbuilder.cli.display import demo

    return demo(headless=options.headless, out=options.out)


def _train(options: argparse.Namespace) -> int:
    from kbuilder.cli.training import train

    return train(
        options.project,
        epochs=options.epochs,
        out=options.out,
        resume=options.resume,
        weights=options.weights,
        settings=options.set,
        extend=options.extend,
        devices=tuple(options.device),
        only_try=options.dry_run,
        as_json=options.json,
    )


def _adapt(options: argparse.Namespace) -> int:
    from kbuilder.cli.adapting import adapt

    return adapt(options.project, options.layers)


def _base(options: argparse.Namespace) -> int:
    from kbuilder.cli.fine_tuning import base

    return base(
        options.network,
        options.output,
        weights="" if options.weights == "fresh" else options.weights,
        top=options.top,
        size=options.size,
        preprocess=not options.no_preprocess,
        block=options.block,
    )


def _freeze(options: argparse.Namespace) -> int:
    from kbuilder.cli.fine_tuning import freeze

    return freeze(
        options.project,
        count=options.first,
        pattern=options.names,
        layer=options.up_to,
        frozen=not options.unfreeze,
    )


def _export(options: argparse.Namespace) -> int:
    from kbuilder.cli.exporting import export

    return export(
        options.source, options.to, format_id=options.format, weights_only=options.weights_only
    )


def _import(options: argparse.Namespace) -> int:
    if options.into is not None:
        from kbuilder.cli.weights import import_weights

        return import_weights(options.model, options.into, options.by, options.map)
    from kbuilder.cli.models import import_model

    return import_model(options.model, options.output)


def _inspect(options: argparse.Namespace) -> int:
    from kbuilder.cli.models import inspect

    return inspect(options.run, options.layer, options.samples, options.output)


def _check(options: argparse.Namespace) -> int:
    from kbuilder.cli.checking import check

    return check(options.file, options.kind, as_json=options.json, layers=options.layers)


def _trust(options: argparse.Namespace) -> int:
    from kbuilder.cli.trusting import trust

    return trust(options.project, yes=options.yes)


def _runs(options: argparse.Namespace) -> int:
    from kbuilder.cli.runs import runs

    return runs(options.project, options.diff, as_json=options.json)


def _sweep(options: argparse.Namespace) -> int:
    from kbuilder.cli.sweeping import sweep

    return sweep(options.project, trials=options.trials, out=options.out, as_json=options.json)


def _predict(options: argparse.Namespace) -> int:
    from kbuilder.cli.predicting import predict

    return predict(options.run, options.data, options.output, options.checkpoint)


def _evaluate(options: argparse.Namespace) -> int:
    from kbuilder.cli.predicting import evaluate

    return evaluate(options.run, options.data, options.checkpoint, as_json=options.json)


def _digest(options: argparse.Namespace) -> int:
    from kbuilder.cli.digesting import digest

    return digest(options.source)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"“{text}” is not a list of sample numbers; write them as in 0,3,8"
        ) from error


def _size(text: str) -> tuple[int, int]:
    height, sign, width = text.partition("x")
    if not sign or not height.isdigit() or not width.isdigit():
        raise argparse.ArgumentTypeError(
            f"“{text}” is not a size; write height and width in pixels as in 96x96"
        )
    return int(height), int(width)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "kbuilder",
        description="Design, train and understand Keras models. Without a verb, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"kbuilder {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)

    verb = verbs.add_parser("demo", help="the bundled digits project, trained end to end")
    verb.add_argument("--headless", action="store_true", help="work offscreen and end by itself")
    verb.add_argument("--out", type=Path, default=Path("out"), help="folder for what it leaves")
    verb.set_defaults(work=_demo)

    verb = verbs.add_parser("train", help="train a project")
    verb.add_argument("project", type=Path)
    verb.add_argument("--epochs", type=int, help="instead of the project's own number")
    verb.add_argument("--out", type=Path, help="folder of the run; default NAME.runs/TIME")
    begin = verb.add_mutually_exclusive_group()
    begin.add_argument("--resume", type=Path, metavar="RUN", help="go on from this run")
    begin.add_argument(
        "--weights", type=Path, metavar="RUN", help="begin with its weights where they still fit"
    )
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another option, such as fit.batch_size=64 or optimizer.learning_rate=0.01",
    )
    verb.add_argument(
        "--extend", type=int, default=0, metavar="N", help="with --resume: so many epochs more"
    )
    verb.add_argument(
        "--device",
        action="append",
        default=[],
        metavar="NAME",
        help="train on this device, such as GPU:1; several for a copy on each",
    )
    verb.add_argument(
        "--dry-run",
        action="store_true",
        help="do a few steps only, and tell memory, time and the largest batch that fits",
    )
    verb.add_argument("--json", action="store_true", help="one JSON object per event on stdout")
    verb.set_defaults(work=_train)

    verb = verbs.add_parser("adapt", help="let preprocessing layers learn from the data")
    verb.add_argument("project", type=Path)
    verb.add_argument("layers", nargs="*", metavar="LAYER", help="default: all that have not yet")
    verb.set_defaults(work=_adapt)

    verb = verbs.add_parser("base", help="a pretrained network of Keras as a project")
    verb.add_argument("network", metavar="NETWORK", help="such as MobileNetV2")
    verb.add_argument("-o", "--output", type=Path, required=True, metavar="PROJECT")
    verb.add_argument(
        "--weights", default="imagenet", metavar="imagenet|fresh|FILE", help="default: imagenet"
    )
    verb.add_argument("--top", action="store_true", help="keep its classifier")
    verb.add_argument("--size", type=_size, metavar="96x96", help="height and width of pictures")
    verb.add_argument("--no-preprocess", action="store_true", help="without its preprocessing")
    verb.add_argument("--block", action="store_true", help="all its layers in one folded block")
    verb.set_defaults(work=_base)

    verb = verbs.add_parser("freeze", help="keep layers of a project from learning")
    verb.add_argument("project", type=Path)
    which = verb.add_mutually_exclusive_group(required=True)
    which.add_argument("--first", type=int, metavar="N", help="the first N layers")
    which.add_argument("--names", metavar="PATTERN", help="names such as 'block5_*'")
    which.add_argument("--up-to", metavar="LAYER", help="this layer and all that leads to it")
    verb.add_argument("--unfreeze", action="store_true", help="let them learn again")
    verb.set_defaults(work=_freeze)

    verb = verbs.add_parser(
        "export",
        help="write a run, or a project untrained, in another format",
        epilog="Formats: " + "; ".join(f"{f.id}: {f.title}" for f in FORMATS),
    )
    verb.add_argument("source", type=Path, metavar="PROJECT_OR_RUN")
    verb.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help=f"{known_endings()}; none: a folder"
    )
    verb.add_argument(
        "--format",
        default="",
        choices=[each.id for each in FORMATS],
        metavar="FORMAT",
        help="where the ending alone does not say it, as for tf_keras_hdf5",
    )
    verb.add_argument("--weights-only", action="store_true", help="weights without the model")
    verb.set_defaults(work=_export)

    verb = verbs.add_parser(
        "import", help="make a project of a .hdf5, .h5, .keras or .json model, or load weights"
    )
    verb.add_argument("model", type=Path)
    target = verb.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", type=Path, metavar="PROJECT")
    target.add_argument(
        "--into", type=Path, metavar="PROJECT", help="take the weights alone, for its layers"
    )
    verb.add_argument(
        "--by", choices=("auto", "name", "order"), default="auto", help="how weights find layers"
    )
    verb.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="LAYER=SOURCE",
        help="a layer and the one of the file that it takes weights from; empty: none",
    )
    verb.set_defaults(work=_import)

    verb = verbs.add_parser("inspect", help="outputs of a layer for some samples")
    verb.add_argument("run", type=Path)
    verb.add_argument("--layer", required=True, metavar="NAME")
    verb.add_argument("--samples", type=_numbers, default=(0,), metavar="0,3,8")
    verb.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.npz")
    verb.set_defaults(work=_inspect)

    verb = verbs.add_parser("check", help="what a file holds and what is wrong, running nothing")
    verb.add_argument("file", type=Path)
    verb.add_argument("--as", dest="kind", choices=("project", "model", "data"))
    verb.add_argument("--json", action="store_true")
    verb.add_argument("--layers", action="store_true", help="list the layers of a project")
    verb.set_defaults(work=_check)

    verb = verbs.add_parser("trust", help="show the own code of a project and let it run")
    verb.add_argument("project", type=Path)
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.set_defaults(work=_trust)

    verb = verbs.add_parser("runs", help="the runs of a project, their state and results")
    verb.add_argument("project", type=Path)
    verb.add_argument("--json", action="store_true", help="one JSON object per run on stdout")
    verb.add_argument("--diff", nargs=2, metavar=("A", "B"), help="what differs between two runs")
    verb.set_defaults(work=_runs)

    verb = verbs.add_parser("sweep", help="train a project with many options and find the best")
    verb.add_argument("project", type=Path)
    verb.add_argument("--trials", type=int, metavar="N", help="instead of the project's own number")
    verb.add_argument("--out", type=Path, metavar="DIR", help="folder; with trials in it, goes on")
    verb.add_argument("--json", action="store_true", help="one JSON object per event on stdout")
    verb.set_defaults(work=_sweep)

    verb = verbs.add_parser("predict", help="write what a run predicts for other data")
    _add_run_and_data(verb)
    verb.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.csv|.npz")
    verb.set_defaults(work=_predict)

    verb = verbs.add_parser("evaluate", help="losses and metrics of a run on other data")
    _add_run_and_data(verb)
    verb.add_argument("--json", action="store_true")
    verb.set_defaults(work=_evaluate)

    verb = verbs.add_parser("digest", help="SHA-256 over what a project or a run means")
    verb.add_argument("source", type=Path, metavar="PROJECT_OR_RUN")
    verb.set_defaults(work=_digest)
    return parser


def _add_run_and_data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", type=Path)
    verb.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help=".csv, .npz, .npy or folder"
    )
    verb.add_argument(
        "--checkpoint", default="", metavar="NAME", help="best, epoch-12 or a file; default: newest"
    )
