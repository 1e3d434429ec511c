"""gen convert: dialogues from any layout to any other, all or a sample, in one file or split."""

import argparse
import sys

from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("places", metavar="IN... OUT", nargs="*", help="files or folders to read, the file to write")
    parser.epilog = (
        "OUT ends with .jsonl, .json (one array) or .parquet; with --to hub it is a folder. Rows that cannot be read,\n"
        "or that the target cannot hold, stand with their reasons in OUT.dropped.jsonl, and the status is 1."
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_argument_group("layouts")
    what.add_argument(
        "--from", dest="from_", metavar="F", default="auto", help="layout of the input, or a field map (FILE.toml)"
    )
    what.add_argument(
        "--to", metavar="F", help="layout of OUT (default: messages; --list), hub: Parquet and a README card"
    )
    what.add_argument("--tokenizer", metavar="T", help="for --to openchat_tokens: a tokenizer's or a model's folder")
    what.add_argument("--template", metavar="T", default="openchat", help="... and its template (default: openchat)")
    what.add_argument("--max-length", metavar="N", type=count, default=2048, help="... and its context (default: 2048)")
    what.add_argument(
        "--paths", dest="tree_paths", metavar="P", default="best", help="of message trees: best, all, pairs"
    )
    what.add_argument("--keep-prefixes", action="store_true", help="belle: keep rows that only begin a longer one")
    what.add_argument("--split-thoughts", action="store_true", help="<think> before an answer: its thoughts, not words")
    what.add_argument("--list", action="store_true", help="print the layouts, and leave")
    which = parser.add_argument_group("which dialogues")
    which.add_argument("--sample", metavar="N", type=count, help="so many; a smaller sample is part of a larger one")
    which.add_argument("--split", metavar="A/B", help="shares, as 0.99/0.01: OUT becomes OUT.train and OUT.test")
    which.add_argument("--by", metavar="FIELD", help="keep the shares of its values, as seed.topic or sector")
    which.add_argument("--seed", metavar="I", type=int, default=0, help="another seed draws others (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace what stands in OUT's place")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Convert; status 1 where rows were dropped."""
    from gen.convert_text import convert_report, layouts

    if arguments.list:
        print(layouts())
        return 0
    from gen.converting import conversion, token_writer

    tokens = arguments.to == "openchat_tokens"
    asked = conversion(
        arguments.places,
        from_=arguments.from_,
        to=None if tokens else arguments.to,
        sample=arguments.sample,
        split=arguments.split,
        by=arguments.by,
        seed=arguments.seed,
        tree_paths=arguments.tree_paths,
        fold=not arguments.keep_prefixes,
        split_thoughts=arguments.split_thoughts,
        overwrite=arguments.overwrite,
    )
    from dialogue.conversion.convert import convert

    writer = token_writer(asked, arguments.tokenizer, arguments.template, arguments.max_length) if tokens else None
    report = convert(asked, writer)
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(report.__dict__, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        print(convert_report(report))
    return 1 if report.dropped else 0
