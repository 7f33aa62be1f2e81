"""`jinheng serve`, `users` and `organisations`: starting the service, and who may use it, on its own machine."""

import sys
from typing import Annotated

import typer

from api.command_options import DatabaseOption, JsonOption, LangOption, answer, option, spoken_language
from api.command_words import both
from api.printable import say
from api.problems import EXIT_OK
from api.settings import service_settings

users_app = typer.Typer(help=both("用户", "Users of the service"), no_args_is_help=True, rich_markup_mode=None)
organisations_app = typer.Typer(
    help=both("单位", "Organisations of the service"), no_args_is_help=True, rich_markup_mode=None
)


def serve_command(
    host: Annotated[str | None, option("HOST", "--host", "地址, 默认 127.0.0.1", "address; default 127.0.0.1")] = None,
    port: Annotated[str | None, option("PORT", "--port", "端口, 默认 8000", "port; default 8000")] = None,
    workers: Annotated[
        str | None, option("N", "--workers", "服务进程数, 默认 1", "server processes; default 1")
    ] = None,
    database: DatabaseOption = None,
    lang: LangOption = None,
) -> int:
    """Serve until Ctrl-C."""
    from api.event_files import whole_number
    from api.serving import serve, usable

    spoken = spoken_language(lang)
    asked = {
        "host": host,
        "port": None if port is None else whole_number(port, "--port", 0, 65535),
        "workers": None if workers is None else whole_number(workers, "--workers", 1, 256),
        "database": database,
    }
    known = usable(*service_settings(asked))
    address = f"http://{known.host}:{known.port}/"
    zh, en = f"晋衡服务正在启动, 稍后请打开 {address}", f"jinheng is starting; open {address} in a moment"
    say(zh if spoken == "zh" else en, sys.stderr)
    serve(known)
    return EXIT_OK


@users_app.command("add", help=both("新建用户; 密码由标准输入读入", "Add a user; the password is read from stdin"))
def add_user_command(
    login: Annotated[str, typer.Argument(metavar="LOGIN", help=both("登录名", "login, such as a mail address"))],
    role: Annotated[
        list[str], typer.Option("--role", metavar="ROLE", help=both("角色, 可多次", "role; may be given several times"))
    ],
    name: Annotated[str | None, option("NAME", "--name", "姓名", "the user's name; default: the login")] = None,
    organisation: Annotated[
        str | None, option("NAME", "--organisation", "单位, 默认首个单位", "organisation; default: the first one")
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """The first administrator closes the service to whoever does not sign in."""
    from api.administration import add_user, ask_password

    spoken = spoken_language(lang)
    made = add_user(database, login, name or login, role, organisation, ask_password(spoken))
    zh, en = f"已建立用户 {made.login} ({made.organisation})", f"Added {made.login} to {made.organisation}"
    answer(made._asdict() if as_json else zh if spoken == "zh" else en)
    return EXIT_OK


@organisations_app.command("add", help=both("新建单位", "Add an organisation"))
def add_organisation_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help=both("单位名称", "its name"))],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Its rows are its own: no other organisation sees them."""
    from api.administration import add_organisation

    spoken = spoken_language(lang)
    made = add_organisation(database, name)
    zh, en = f"已建立单位 {name}", f"Added the organisation {name}"
    answer({"id": made, "name": name} if as_json else zh if spoken == "zh" else en)
    return EXIT_OK
