"""A confusion matrix whose cells show their photos, for a component with the script ``confusion``.

Names of classes may come from strangers and are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from resnet_demo.page.i18n.texts import say

Photos = Mapping[tuple[int, int], Sequence[str]]


def confusion(rows: Sequence[str], columns: Sequence[str], photos: Photos) -> str:
    """The matrix as HTML; a cell's button shows its photos below, which are all in the page.

    Args:
        rows: the true classes.
        columns: what they were taken for; a row and a column of the same name are right.
        photos: the (row, column) of each cell that is not empty → its photos, HTML.
    """
    head = "".join(f'<th scope="col"><span title="{name}">{name}</span></th>' for name in map(html.escape, columns))
    lines, shown = [], []
    for row, name in enumerate(map(html.escape, rows)):
        total = sum(len(photos.get((row, column), ())) for column in range(len(columns)))
        cells = []
        for column, other in enumerate(map(html.escape, columns)):
            those = photos.get((row, column), ())
            if not those:
                cells.append("<td></td>")
                continue
            right = rows[row] == columns[column]
            said = say("teach_cell_right" if right else "teach_cell", count=len(those), label=name, found=other)
            cells.append(
                f'<td><button type="button" class="{"right" if right else "wrong"}" '
                f'style="--share:{len(those) / total:.2f}" data-cell="{row}-{column}" aria-expanded="false" '
                f'aria-label="{said}">{len(those)}</button></td>'
            )
            caption = say("teach_cell_photos_right" if right else "teach_cell_photos", label=name, found=other)
            shown.append(
                f'<div class="confusion-cell" data-photos="{row}-{column}" hidden><p>{caption}</p>'
                f'<div class="small-photos">{"".join(those)}</div></div>'
            )
        lines.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    return (
        f'<div class="confusion" tabindex="0" role="region" aria-label="{say("teach_matrix")}">'
        f'<table aria-label="{say("teach_matrix")}"><thead><tr><td><small>{say("teach_taken_for")} →</small></td>{head}'
        f'</tr></thead><tbody>{"".join(lines)}</tbody></table></div><div aria-live="polite">{"".join(shown)}</div>'
    )
