"""A bar of text that fills up."""

MARKS = 20


def bar(done, total=1):
    """Draws how far something is.

    Args:
        done: Number, 0 to `total`.
        total: Number above 0.

    Returns:
        String, such as `"[#####...............]"`.
    """
    marks = int(MARKS * done / total)
    return f"[{'#' * marks}{'.' * (MARKS - marks)}]"
