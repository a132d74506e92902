"""Accounts of a school: a provider of the test's own, the gate, and an HTTP client that follows redirects."""

import httpx2
import pytest
from typer.testing import CliRunner

from ddlab.classroom import VARIABLE, accounts, cookies, open_room, openid, room, seats, store
from ddlab.classroom.accounts import OpenId, account_of
from ddlab.classroom.gate import Gate
from ddlab.cli import classroom, pages
from tests import loops
from tests.classroom import provider as providers
from tests.classroom.test_gate import behind

LAB = "http://lab.example"


@pytest.fixture
def provider(own_home):
    with providers.serve() as provider:
        yield provider


def settings_of(provider, **changes):
    told = {"issuer": provider.issuer, "client_id": providers.CLIENT, "client_secret": providers.SECRET}
    return OpenId(**told, **changes)


def opened(provider, code="", **changes):
    """A room for the accounts of that provider."""
    settings = settings_of(provider, **changes)
    accounts.keep(settings)
    openid._client.cache_clear()  # of another test's provider at this port
    return open_room(code, LAB, openid=settings.digest)[0]


def visit(*paths, cookie=""):
    """The last answer to somebody who opens pages one after the other and goes where he is sent; and his cookies."""

    async def go():
        lab = httpx2.ASGITransport(Gate(behind))
        headers = {"accept": "text/html"} | ({"cookie": cookie} if cookie else {})
        async with httpx2.AsyncClient(mounts={LAB: lab}, follow_redirects=True, headers=headers) as client:
            for path in paths:
                answer = await client.get(f"{LAB}{path}")
            return answer, dict(client.cookies)

    return loops.run(go())


def seat_of(kept):
    return seats.of_cookie(kept.get(cookies.NAME, ""))


def test_who_has_an_account_gets_a_seat_with_a_name_and_comes_where_he_wanted_to(provider):
    opened(provider, title="the <b>school</b>")
    answer, kept = visit("/train?x=1")
    assert answer.status_code == 401 and "Sign in at the &lt;b&gt;school" in answer.text
    assert 'href="/room/account?then=%2Ftrain%3Fx%3D1"' in answer.text and "<form" not in answer.text
    answer, kept = visit("/room/account?then=%2Ftrain%3Fx%3D1")
    assert answer.text == "pages 0" and str(answer.url) == f"{LAB}/train?x=1"
    assert seat_of(kept).name == "Ann Example" and not seat_of(kept).is_lecturer
    assert openid.COOKIE not in kept and [one.status_code for one in answer.history] == [302, 302, 303]


def test_an_account_has_one_seat_on_all_devices_and_in_the_next_room(provider):
    opened(provider)
    first, second = (seat_of(visit("/room/account")[1]) for _ in range(2))
    room.change(until=0.0)
    assert visit("/room/account")[0].status_code == 401
    opened(provider)
    third = seat_of(visit("/room/account")[1])
    assert first.id == second.id == third.id and first.room != third.room
    provider.person["sub"] = "s-2"
    assert seat_of(visit("/room/account")[1]).id != first.id


def test_without_a_code_the_form_lets_nobody_in_and_with_one_guests(provider):
    opened(provider)
    headers, body = {"origin": LAB, "accept": "text/html"}, {"name": "Eve", "code": "", "then": "/"}

    async def enter():
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(Gate(behind)), headers=headers) as client:
            return await client.post(f"{LAB}/room/enter", data=body)

    assert loops.run(enter()).status_code == 401
    opened(provider, code="blue whale")
    assert "Or as a guest" in visit("/")[0].text
    assert loops.run(enter()).status_code == 403
    body["code"] = "blue whale"
    assert loops.run(enter()).status_code == 303


WRONG = {
    "another provider's": {"claims": {"iss": "https://evil.example"}},
    "for another client": {"claims": {"aud": "another"}},
    "of before": {"claims": {"nonce": "another"}},
    "too old": {"claims": {"exp": 1_000_000_000}},
    "nobody's": {"claims": {"sub": ""}},
    "signed by another": {"key": providers.OTHER_KEY},
    "not signed": {"algorithm": "none"},
    "signed with the secret": {"algorithm": "HS256"},
    "of two people": {"person": {"sub": "another"}, "claims": {"sub": "s-1"}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_token_that_proves_nothing_opens_nothing(provider, changes):
    opened(provider)
    for name, value in changes.items():
        setattr(provider, name, value)
    answer, kept = visit("/room/account")
    assert answer.status_code == 403 and 'role="alert"' in answer.text and cookies.NAME not in kept
    assert openid.COOKIE not in kept and "pages" not in answer.text


def test_who_comes_back_without_having_gone_there_gets_nothing(provider):
    opened(provider)
    for path in (openid.BACK, f"{openid.BACK}?code=x&state=y", f"{openid.BACK}?error=access_denied"):
        assert "begun too long ago" in visit(path)[0].text
    forged = f"{openid.COOKIE}={cookies.seal({'session': {}, 'then': '/'})}"
    answer, kept = visit(f"{openid.BACK}?code=x&state=y", cookie=forged)
    assert answer.status_code == 403 and cookies.NAME not in kept
    assert cookies.unseal(cookies.sign("a", "b"), 10) == {} and cookies.unseal(cookies.seal({"a": 1}), -1) == {}


def test_lecturers_are_named_by_subject_or_by_an_address_that_is_verified(provider):
    person = {"sub": "s-1", "email": "Ann@School.example", "email_verified": True}
    for entry in ("s-1", "ann@school.example", "@school.example"):
        assert account_of(person, settings_of(provider, lecturers=[entry])).is_lecturer
    for entry in ("S-1", "bob@school.example", "@example", "@evil.school.example", "school.example"):
        assert not account_of(person, settings_of(provider, lecturers=[entry])).is_lecturer
    unproven = person | {"email_verified": False}
    assert not account_of(unproven, settings_of(provider, lecturers=["ann@school.example"])).is_lecturer
    believed = settings_of(provider, lecturers=["ann@school.example"], trusts_emails=True)
    assert account_of(unproven, believed).is_lecturer
    opened(provider, lecturers=["ann@school.example"])
    assert seat_of(visit("/room/account")[1]).is_lecturer


def test_students_are_those_whom_the_lecturer_names(provider):
    opened(provider, students=["@other.example"])
    answer, kept = visit("/room/account")
    assert answer.status_code == 403 and accounts.REFUSED in answer.text and cookies.NAME not in kept
    opened(provider, students=["@school.example"])
    assert seat_of(visit("/room/account")[1])


def test_a_name_is_what_can_be_shown_of_the_claims(provider):
    settings = settings_of(provider, name_claim="nickname")
    for claims, name in (
        ({"name": "Ann\n<b>", "nickname": "x" * 50}, "x" * 40),
        ({"name": "Ann \n<b>", "nickname": "\u202e"}, "Ann <b>"),
        ({"name": ["Ann"]}, accounts.NAMELESS),
    ):
        assert account_of({"sub": "s"} | claims, settings).name == name


def test_other_settings_make_another_room_and_settings_that_are_gone_let_nobody_in(provider):
    first = opened(provider)
    cookie = f"{cookies.NAME}={cookies.sign(first.id, seat_of(visit('/room/account')[1]).id)}"
    assert opened(provider).id == first.id and visit("/", cookie=cookie)[0].status_code == 200
    assert opened(provider, lecturers=["s-9"]).id != first.id and visit("/", cookie=cookie)[0].status_code == 401
    (store.folder() / "openid.json").unlink()
    assert visit("/")[0].status_code == 503 and visit("/room/account")[0].status_code == 503
    assert open_room(None, LAB)[0].code, "a room without a code does not go on unasked"


def test_a_provider_that_does_not_answer_is_said(provider):
    opened(provider)
    provider.description = {"issuer": "http://127.0.0.1:1"}
    answer, _ = visit("/room/account")
    assert answer.status_code == 403 and "does not answer" in answer.text
    with pytest.raises(ValueError, match="issuer: .* says that it is"):
        loops.run(openid.check(settings_of(provider)))
    provider.description = {}
    loops.run(openid.check(settings_of(provider)))
    assert seat_of(visit("/room/account")[1])


@pytest.mark.parametrize(
    "text, message",
    [
        ("issuer: http://school.example\nclient_id: a", "issuer: .*https://"),
        ("client_id: a", "issuer: Field required"),
        ("issuer: https://a\nclient_id: a\nlecturer: [x]", ".*did you mean 'lecturers'"),
        ("issuer: https://a\nclient_id: a\nlecturers: ['']", "lecturers: .*one is empty"),
        ("secret: [", "cannot be read as YAML"),
    ],
)
def test_a_file_that_says_something_else_is_refused_and_no_secret_is_repeated(own_home, tmp_path, text, message):
    path = tmp_path / "school.yaml"
    path.write_text(f"{text}\n# s3cret" if "[" in text[-1] else f"{text}\nclient_secret: s3cret")
    with pytest.raises(ValueError, match=f"DDLAB_OPENID school.yaml: {message}") as refused:
        accounts.read(path)
    assert "s3cret" not in str(refused.value)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(openid, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs Authlib.*pip install 'Authlib"):
        openid.refuse_missing()


def test_the_command_asks_the_provider_and_opens_a_room_without_a_code(provider, tmp_path, monkeypatch):
    for name in (VARIABLE, "STREAMLIT_SERVER_ADDRESS"):
        monkeypatch.setenv(name, "")  # the command changes them
    monkeypatch.setattr(pages, "serve", lambda *told, **more: None)
    path = tmp_path / "school.yaml"
    path.write_text(settings_of(provider).model_dump_json())
    monkeypatch.setenv(accounts.VARIABLE, str(path))
    command = ["--address", "0.0.0.0"]
    done = loops.apart(CliRunner().invoke, classroom.commands, command)
    assert done.exit_code == 0 and "sign in with their accounts" in done.output and room.current().code == ""
    provider.description = {"issuer": "https://another.example"}
    openid._client.cache_clear()
    done = loops.apart(CliRunner().invoke, classroom.commands, command)
    assert isinstance(done.exception, ValueError) and "issuer" in str(done.exception)
