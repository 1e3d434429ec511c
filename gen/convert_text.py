"""What `gen convert` tells a person."""

from dialogue.conversion.convert import Report
from dialogue.formats import field_map, sharegpt_pages
from dialogue.formats.reading import named, names


def convert_report(report: Report) -> str:
    """What was read and as what, written and dropped, and what the target could not hold."""
    lines = [f"read      {report.rows:,} rows, {report.dialogues:,} dialogues"]
    lines += [f"          {one}" for one in report.recognised]
    lines += [f"note      {one}" for one in report.notes]
    if report.skipped:
        lines.append(f"not read  {', '.join(report.skipped[:5])}{' ...' if len(report.skipped) > 5 else ''}")
    if report.folded:
        lines.append(f"folded    {report.folded:,} rows that begin a longer dialogue")
    if report.left_out:
        lines.append(f"left out  {report.left_out:,}: not in the sample")
    lines += [f"written   {count:,} to {path}" for path, count in report.written.items()]
    if not report.written:
        lines.append("written   nothing: all was dropped, so no file is made or replaced")
    if not all(report.written.values()) and len(report.written) > 1:
        lines.append("warning   a part is empty: there are too few dialogues, or too few of each value of --by")
    if report.dropped:
        lines.append(f"dropped   {report.dropped:,}, with reasons in {report.dropped_file}")
        lines += [f"          {count:,}: {reason}" for reason, count in list(report.reasons.items())[:5]]
    lines += [f"not held  {what} ({count:,} dialogues)" for what, count in report.lost.items()]
    return "\n".join(lines)


WRITTEN = (
    "written only:",
    "  hub               Parquet and a README card",
    "  openchat_tokens   [ids, mask] of each example, by --tokenizer and --template",
)


def layouts() -> str:
    """All layouts with the fields that they are known by."""
    lines = [f"  {name:<18}{named(name).about}{_asked(name)}" for name in names()]
    maps = [(name, field_map.loaded(field_map.FOLDER / f"{name}.toml").about) for name in field_map.shipped()]
    lines += [
        "read only:",
        f"  sharegpt_pages    {sharegpt_pages.about}",
        "read only, by field maps:",
        *(f"  {name:<18}{about}" for name, about in maps),
    ]
    return "\n".join(["read and written:", *lines, *WRITTEN])


def _asked(name: str) -> str:
    return "; read only with --from" if getattr(named(name), "asked_only", False) else ""
