"""The customer's page: a button, the web link to Jumio, and what became of it."""

import html
import http.server
import secrets

from vault import PASSED, Refused

STYLE = """<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width"><title>Example Bank</title>
<style>body{font:1.1rem/1.5 system-ui;max-width:26rem;margin:4rem auto;padding:0 1rem}
a,button{font:inherit;display:inline-block;padding:.6rem 1.2rem;border:0;border-radius:.4rem;
background:#064;color:#fff;text-decoration:none;cursor:pointer}</style><h1>Example Bank</h1>"""
BUTTON = "<form method=post action=/login><button>Log in with your face</button></form>"
SORRY = {  # what the person is told; anything else is our affair
    "FACEMAP_LOST": "Please identify yourself once more.",
    "FACEMAP_ERASED": "Please identify yourself once more.",
    "ENROLLMENT_NOT_FOUND": "Please identify yourself first.",
    "AUTHENTICATION_IN_PROGRESS": "You are logging in on another device already.",
}


def serve(vault, account, port=0):
    """A server with that page for one customer; the bank knows who is at the browser."""
    logins = {}  # the name of each authentication, by what the browser knows of it

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = logins.get(self.path.removeprefix("/result/"))
            if name is None:
                return self.show(BUTTON)
            found = vault.decision(name, wait=1)
            if found.decision == PASSED:
                return self.show("<p>Welcome back, you are logged in.")
            if found.decision or found.state == found.STATE_EXPIRED:
                return self.show("<p>That did not work." + BUTTON)
            self.show("<meta http-equiv=refresh content=2><p>Waiting for your phone or camera ...")

        def do_POST(self):
            try:
                started = vault.start(account, "login-" + secrets.token_hex(8))
            except Refused as refused:
                sorry = SORRY.get(refused.reason, "Please try again later.")
                return self.show(f"<p>{sorry}" + BUTTON, 503)
            ticket = secrets.token_urlsafe()
            logins[ticket] = started.authentication.name
            link = html.escape(started.client_session.web_href)
            self.show(f"<p>Jumio compares your face. <p><a href='{link}' target=_blank>Look into the camera</a>"
                      f"<p>Then <a href=/result/{ticket}>go on</a>")

        def show(self, body, status=200):
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Cache-Control", "no-store")  # whoever has the link can act as the person
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write((STYLE + body).encode())

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
