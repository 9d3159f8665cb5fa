"""Entry of the console command; every command imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from emotion_recognition.cli import (
    bench,
    compare,
    cross_validate,
    demo,
    evaluate,
    evaluate_model,
    export,
    make_bag,
    parameters,
    record,
    report,
    roofline,
    run,
    score,
    search,
    train,
)
from emotion_recognition.version import __version__

app = typer.Typer(
    name="emotion-recognition",
    help="How the person before a companion robot feels, from face and voice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command()(demo.demo)
app.command(context_settings=run.CONTEXT)(run.run)
app.command()(parameters.parameters)
app.command()(report.report)
app.command()(roofline.roofline)
app.command()(bench.bench)
app.command("bench-peers")(bench.bench_peers)
app.command()(evaluate_model.evaluate_model)
app.command()(evaluate.evaluate)
app.command("make-bag")(make_bag.make_bag)
app.command()(record.record)
app.command()(compare.compare)
app.command()(train.train)
app.command()(export.export)
app.command("cross-validate")(cross_validate.cross_validate)
app.command()(search.search)
app.add_typer(score.score, name="score")

if __name__ == "__main__":
    app()
