"""gen serve: a model for OpenAI clients."""

import argparse

from gen.commands.options import model_options
from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    model_options(parser)
    where = parser.add_argument_group("where")
    where.add_argument("--host", metavar="H", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    where.add_argument("--port", metavar="P", type=port, default=8000, help="0 takes a free one (default: 8000)")
    where.add_argument("--api-key-env", metavar="VAR", help="the variable that holds the key to ask clients for")
    where.add_argument("--model-name", metavar="NAME", help="as clients name it (default: the name of its folder)")
    how = parser.add_argument_group("how")
    how.add_argument("--max-batch", metavar="N", type=count, default=64, help="replies at the same time (default: 64)")
    how.add_argument("--until-eof", action="store_true", help="stop when standard input ends, as a child should")


def port(text: str) -> int:
    """A port, as argparse wants it."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text}: expected a port, 0 to 65535")
    return int(text)


def command(arguments: argparse.Namespace) -> int:
    """Serve until told to stop; status 0."""
    from gen.serving import Terms, serve

    terms = Terms(arguments.host, arguments.port, arguments.api_key_env, arguments.until_eof)
    return serve(
        arguments.model,
        terms,
        name=arguments.model_name or "",
        device=arguments.device,
        dtype=arguments.dtype,
        max_batch=arguments.max_batch,
    )
