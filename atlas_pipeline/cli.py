"""`atlas-pipeline`: the operator's tool.

Here are the commands' names and the way errors end; each command has a module in `atlas_pipeline.commands`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from atlas_pipeline.commands import (
    bench,
    clean,
    demo,
    doctor,
    expectations,
    plan,
    quarantine,
    repair,
    servers,
    similar,
    status,
    sync,
    up,
    verify,
)
from atlas_pipeline.commands.console import print_json
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_INTERRUPTED, AtlasError, ConfigurationError

if TYPE_CHECKING:
    from pydantic import ValidationError


class _Tool(TyperGroup):
    """Ends every command with its exit code; a user's mistake shows no traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AtlasError as error:
            _show(error)
            raise typer.Exit(error.exit_code) from None
        except ValueError as error:
            from pydantic import ValidationError

            if not isinstance(error, ValidationError) or error.title != "Settings":
                raise
            _show(_wrong_settings(error))
            raise typer.Exit(EXIT_CANNOT) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted. What was published is whole; what was not is as it was.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    name="atlas-pipeline",
    cls=_Tool,
    help="Move an application from SQL tables to MongoDB collections, and prove that nothing was lost. "
    "Exit codes: 0 done, 1 differences or failed checks, 2 cannot be done, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(plan.plan)
app.command()(sync.sync)
app.command()(verify.verify)
app.command()(repair.repair)
app.command()(status.status)
app.command()(similar.similar)
app.command()(doctor.doctor)
app.command()(clean.clean)
app.add_typer(servers.app, name="servers")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(expectations.app, name="expectations")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Entry point."""
    app()


def _wrong_settings(error: ValidationError) -> ConfigurationError:
    """What to tell an operator whose environment the settings refuse. Values are left out, for some are secret."""
    wrong = [f"{detail['loc'][0]}: {detail['msg']}" for detail in error.errors(include_input=False)]
    return ConfigurationError(f"{'; '.join(wrong)}.", "correct these environment variables, or unset them")


def _show(error: AtlasError) -> None:
    typer.echo(f"Error: {error.message}", err=True)
    if error.cure:
        typer.echo(f"Cure: {error.cure}", err=True)
    if "--json" in sys.argv:
        print_json({"ok": False, "error": error.message, "cure": error.cure})
