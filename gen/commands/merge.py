"""gen merge: adapters folded into their base."""

import argparse

DTYPES = ("float32", "bfloat16", "float16")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "adapter", metavar="ADAPTER", nargs="*", help="folders, outputs of `gen train` or hub ids, folded in in order"
    )
    parser.add_argument("--out", metavar="DIR", help="folder for the whole model")
    parser.add_argument("--model", metavar="BASE", help="the base (default: the one that the adapters name)")
    parser.add_argument("--dtype", metavar="D", choices=DTYPES, help="precision of the file (default: the base's)")
    parser.add_argument("--json", action="store_true", help="print what was folded into what as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Merge; status 0."""
    import json

    from dialogue.errors import UsageError
    from gen.merging import merge

    for name, value in (("ADAPTER", arguments.adapter), ("--out", arguments.out)):
        if not value:
            raise UsageError(f"{name} is missing: gen merge ADAPTER... --out DIR")
    about = merge(arguments.adapter, arguments.out, model=arguments.model, dtype=arguments.dtype)
    if arguments.json:
        print(json.dumps(about, indent=2))
        return 0
    for one in about["adapters"]:
        print(f"{one['folder']}  {'DoRA' if one['dora'] else 'LoRA'} of rank {one['r']}, folded into {about['base']}")
    print(arguments.out)
    return 0
