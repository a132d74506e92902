"""The pages before the pages: sign in, and leave. Self-contained HTML, for any browser, a phone's too."""

from html import escape
from urllib.parse import quote

ROOM = "This is a room of ddlab, a laboratory for neural networks."
KEPT = "It stays on this server, and a cookie remembers your seat until the room ends."
ACCOUNT = (
    "Your name comes from there: it stands beside your runs, for the lecturer and for those to whom you show them."
)
STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2733; --line: #5b6875; --field: #f2f5f8;
  --act: #0072b2; --on-act: #fff; --wrong: #a3260f; }
@media (prefers-color-scheme: dark) { :root { --back: #12181f; --text: #e6ecf2; --line: #8b99a7; --field: #1c252f;
  --act: #7cc4ee; --on-act: #0b1117; --wrong: #ff9d8a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--text);
  font: 1.05rem/1.5 system-ui, sans-serif; }
main { width: min(24rem, 100% - 2rem); padding: 1.5rem 0; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
p { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin: 0 0 1rem; }
input { display: block; width: 100%; margin-top: .25rem; padding: .7rem; font: inherit; color: inherit;
  background: var(--field); border: 1px solid var(--line); border-radius: .5rem; }
button, .act { display: block; width: 100%; padding: .8rem; font: inherit; font-weight: 600; border: 0;
  border-radius: .5rem; background: var(--act); color: var(--on-act); cursor: pointer; text-align: center;
  text-decoration: none; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .75rem; }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
a { color: var(--act); }
.wrong { color: var(--wrong); font-weight: 600; }
small { display: block; margin-top: 1rem; }
"""


def sign_in(
    *, code: str = "", name: str = "", then: str = "/", refusal: str = "", asks_code: bool = True, school: str = ""
) -> str:
    """Return the page that asks for the room's code and a name, or for an account.

    Parameters
    ----------
    code, name, then
        What the fields hold, and where to go afterwards; any texts.
    refusal
        Why it did not work; empty at first.
    asks_code
        Whether the room has a code.
    school
        What the provider of accounts is called; empty: there is none.
    """
    said = f'<p class="wrong" role="alert">{escape(refusal)}</p>' if refusal else ""
    form = _form(code, name, then, asks_code)
    if not school:
        return _page("Come in", f"<p>{ROOM} You need no account.</p>{said}{form}")
    button = f'<a class="act" href="/room/account?then={quote(then, safe="")}">Sign in at {escape(school)}</a>'
    guests = f"<h2>Or as a guest, with the code</h2>{form}" if asks_code else f"<small>{ACCOUNT} {KEPT}</small>"
    return _page("Come in", f"<p>{ROOM}</p>{said}{button}{guests}")


def _form(code: str, name: str, then: str, asks_code: bool) -> str:
    first, second = ("autofocus", "") if asks_code and not code else ("", "autofocus")
    code_field = (
        f'<label>Room code<input name="code" value="{escape(code)}" required maxlength="100" autocomplete="off" '
        f'autocapitalize="none" spellcheck="false" {first}></label>'
    )
    return f"""<form method="post" action="/room/enter">{code_field if asks_code else ""}
<label>Your name<input name="name" value="{escape(name)}" required maxlength="40" autocomplete="nickname"
{second}></label>
<input type="hidden" name="then" value="{escape(then)}"><button>Come in</button></form>
<small>The name stands beside your runs, for the lecturer and for those to whom you show them; any will do.
{KEPT}</small>"""


def leave(name: str, has_account: bool = False) -> str:
    """Return the page that asks whether to leave."""
    then = (
        "You leave on all of your devices, and stay signed in at the school. Come in again, and your runs are yours as "
        "before."
        if has_account
        else "Who leaves loses the seat: your runs stay, and only the lecturer can still change them."
    )
    return _page(
        "Leave the room?",
        f"""<p>You are here as {escape(name)}. {then}</p><form method="post" action="/room/leave">
<button>Leave</button></form>
<p><small><a href="/">Stay</a></small></p>""",
    )


def told(title: str, text: str) -> str:
    """Return a page that only says something."""
    return _page(title, f"<p>{escape(text)}</p>")


def _page(title: str, content: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · ddlab</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
