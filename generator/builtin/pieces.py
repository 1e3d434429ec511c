"""The words of a text, as far as they show without a dictionary: between spaces, or between Chinese particles."""

import re

WORD = re.compile(r"[^\W\d_][\w'’-]*")
HAN_RUN = re.compile("[\u3400-\u9fff]{2,}")
HAN_JOINTS = re.compile(
    "[的了吗嗎呢吧啊和與与及或在是有我你他她它们們这這那哪什么麼怎为為何会會能要就都也还還很最不没沒被把對对從从到給给讓让中里裡"
    "上下说說讲講等着著过過得地个個些以于於后後前跟向所而但又再更只才可看多少去来來请請问問想知道用做当當按拿比真太]+"
)


def han_pieces(text: str) -> list[str]:
    """What stands between particles in the text's Chinese, in order; a rough stand-in for words."""
    return [piece for run in HAN_RUN.findall(text) for piece in HAN_JOINTS.split(run) if len(piece) > 1]
