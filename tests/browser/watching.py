"""What a page must never do, watched while it is used: errors in the console, policy violations, other hosts."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from tests.factories import PASSWORD


class Watch:
    """Collects what a clinician would never see and an engineer must."""

    def __init__(self, context: BrowserContext, host: str) -> None:
        self.problems: list[str] = []
        context.on("console", lambda message: self._console(message.type, message.text))
        context.on("weberror", lambda error: self.problems.append(f"error: {error.error}"))
        context.on("request", lambda request: self._request(request.url, host))

    def _console(self, kind: str, text: str) -> None:
        # A form sent back with an error is answered with 422, which the browser notes as a failed resource.
        if kind in {"error", "warning"} and "status of 422" not in text:
            self.problems.append(f"{kind}: {text}")

    def _request(self, url: str, host: str) -> None:
        if urlsplit(url).netloc != host:
            self.problems.append(f"request to another host: {url}")


def watched_page(browser: Browser, address: str, **options: object) -> tuple[Page, Watch]:
    context = browser.new_context(base_url=address, **options)  # type: ignore[arg-type]
    watch = Watch(context, urlsplit(address).netloc)
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page, watch


def sign_in(page: Page, username: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
