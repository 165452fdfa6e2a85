"""What opens the page: a token that is good once, or one kept in a file; then a cookie."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

COOKIE = "otosome"
OPENING = "token"
_WEEK = 7 * 24 * 3600


@dataclass
class Keys:
    """What opens the page.

    ``once``    the token of the opening address, used up by the first who comes with it
    ``stated``  a token that the person keeps in a file, good for any number of visitors; blank where there is none
    """

    once: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    stated: str = ""
    _session: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def open(self, token: str) -> bool:
        """Whether a token opens the page; the one of the opening address does so once."""
        if self.once and _same(token, self.once):
            self.once = ""
            return True
        return bool(self.stated) and _same(token, self.stated)

    def admits(self, request: Request) -> bool:
        """Whether a request comes with the cookie, or with the token of the file."""
        if _same(_cookie(request), self._session):
            return True
        word = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(self.stated) and _same(word, self.stated)

    def admit(self, answer: Response) -> Response:
        """The answer with the cookie, which no script reads and no other site sends."""
        answer.set_cookie(COOKIE, self._session, max_age=_WEEK, httponly=True, samesite="strict", path="/")
        return answer


def _same(stated: str, own: str) -> bool:
    return hmac.compare_digest(stated.encode("utf-8", "surrogateescape"), own.encode("utf-8"))


def _cookie(request: Request) -> str:
    try:
        cookie = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""
