"""Several options at once: what is chosen stands in the address, as :mod:`pages.ui.selection` has it for one."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.ui import held, shown


def pick_several(
    label: str, options: Sequence[str], name: str, default: Sequence[str], of: str = "", **settings: Any
) -> list[str]:
    """Let several of ``options`` be chosen, maybe none; the URL holds them as ``name``, joined by commas.

    Parameters
    ----------
    default
        What is chosen at first.
    of
        What they are options of: of something else, the choice begins anew.
    settings
        Further arguments of ``st.pills``, such as ``format_func``.
    """
    if held.is_held(name):
        settled = held.value(name)
        chosen = list(default) if settled is None else settled.split(",")
        held.show_text(label, name, ", ".join(chosen))
        return [option for option in options if option in chosen]
    key, before = f"{name} picker", st.session_state.get(f"{name} shown")
    asked, is_news = shown.news(name)
    is_kept = before is not None and st.session_state.get(f"{name} of") == of and not (is_news and asked is None)
    is_chosen = key in st.session_state and is_kept and not is_news
    if not is_chosen:  # a link, the browser's back button, another page, or options of something else
        names = (asked if asked and is_news else before or "").split(",")
        known = [option for option in options if option in names]
        is_linked = bool(asked) and is_news
        is_kept &= bool(known) or names == [""]  # what was chosen on another page may be no option here
        st.session_state[key] = known if is_linked or is_kept else list(default)
    st.session_state[f"{name} of"] = of
    chosen = st.pills(label, options, selection_mode="multi", wrap=True, key=key, **settings)
    chosen = [option for option in options if option in chosen]
    shown.call(name, label)
    shown.show(name, ",".join(chosen), is_chosen and before != ",".join(chosen))
    return chosen
