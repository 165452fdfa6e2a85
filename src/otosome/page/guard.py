"""Who may speak to the page: the host it is called by, the page a request comes from, a token, sizes, headers."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otosome.page.keys import OPENING, Keys

LARGEST_FILE = 50_000_000
LARGEST_QUESTION = 1_000_000
_UPLOAD = "/api/files"
_READS = ("GET", "HEAD")
# No script, style, picture or request from elsewhere, none inline; nothing frames the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A report brings its own style and script. It is shown as of no origin: it can ask the server for nothing.
REPORT_POLICY = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# With a sandbox, a page of its own group would be refused by the browser.
REPORT_HEADERS = {
    "Content-Security-Policy": REPORT_POLICY,
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Everything a request must pass before the page sees it."""

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], keys: Keys, entrance: Callable[[str], Response]
    ) -> None:
        """The application behind, and what a visitor without a token is shown (``entrance``, of a sentence)."""
        self._app, self._hosts, self._keys, self._entrance = app, hosts, keys, entrance
        self._origins = frozenset(f"http://{host}" for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "websocket":
            # The page has none; a refusal before the handshake is answered with 403.
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            request = Request(scope)
            answer = self._refusal(request)
            if answer is None:
                await self._app(scope, _bounded(receive, _most(request)), _with_headers(send))
            else:
                await answer(scope, receive, _with_headers(send))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        """The answer to a request that does not come through; None for the others."""
        sentence = self._foreign(request)
        if sentence is not None:
            return PlainTextResponse(sentence, 403)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _most(request):
            return PlainTextResponse(f"That is larger than {_most(request) // 1_000_000} MB.", 413)
        path = request.url.path
        if path.startswith("/static/") and request.method in _READS:
            return None
        if path == "/" and OPENING in request.query_params and request.method == "GET":
            return self._opened(request.query_params[OPENING])
        if self._keys.admits(request):
            return None
        if path == "/enter" and request.method == "POST" and self._keys.stated:
            return None
        sentence = "Open the page by the address that otosome printed: this browser has no leave yet."
        return PlainTextResponse(sentence, 401) if path.startswith("/api/") else self._entrance(sentence)

    def _opened(self, token: str) -> Response:
        if self._keys.open(token):
            return self._keys.admit(RedirectResponse("/", 303))
        return self._entrance(
            "This address was opened before, or is of an earlier start. Go to the tab where it is open, "
            "or end otosome and start it again."
        )

    def _foreign(self, request: Request) -> str | None:
        """Why a request does not come from this page; None where it does."""
        if len(request.headers.getlist("host")) != 1 or request.headers["host"].lower() not in self._hosts:
            return "This page is not served under that name."
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in self._origins:
            return "Another site may not ask this page for anything."
        site = request.headers.get("sec-fetch-site", "none")
        if request.method not in _READS and origin is None and site not in ("same-origin", "none"):
            return "Another site may not ask this page for anything."
        return None


def _most(request: Request) -> int:
    return LARGEST_FILE if request.url.path == _UPLOAD else LARGEST_QUESTION


def token_of(body: bytes) -> str:
    """The token in a form that was sent; blank where there is none."""
    return parse_qs(body.decode("utf-8", "replace")).get(OPENING, [""])[0].strip()


class TooLarge(Exception):
    """A body larger than it may be."""


def _bounded(receive: Receive, most: int) -> Receive:
    """A body read piece by piece, and no further than it may be long."""
    total = 0

    async def read() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > most:
            raise TooLarge(f"is larger than {most // 1_000_000} MB")
        return message

    return read


def _with_headers(send: Send) -> Send:
    async def write(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            own = {"Content-Security-Policy": POLICY, **HEADERS}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode(), text.encode())
                    for name, text in own.items()
                    if name.lower().encode() not in names
                ),
            ]
        await send(message)

    return write
