/** The customer's page: a button, the web link to Jumio, and what became of it. */

import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { Refused, type Vault } from "./vault.js";

const STYLE = `<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width"><title>Example Bank</title>
<style>body{font:1.1rem/1.5 system-ui;max-width:26rem;margin:4rem auto;padding:0 1rem}
a,button{font:inherit;display:inline-block;padding:.6rem 1.2rem;border:0;border-radius:.4rem;
background:#064;color:#fff;text-decoration:none;cursor:pointer}</style><h1>Example Bank</h1>`;
const BUTTON = "<form method=post action=/login><button>Log in with your face</button></form>";
const SORRY: Record<string, string> = { // what the person is told; anything else is our affair
  FACEMAP_LOST: "Please identify yourself once more.",
  FACEMAP_ERASED: "Please identify yourself once more.",
  ENROLLMENT_NOT_FOUND: "Please identify yourself first.",
  AUTHENTICATION_IN_PROGRESS: "You are logging in on another device already.",
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** A server with that page for one customer; the bank knows who is at the browser. */
export function serve(vault: Vault, account: string): Server {
  const logins = new Map<string, string>(); // the name of each authentication, by what the browser knows of it

  async function login(): Promise<string> {
    const { authentication, client_session } = await vault.start(account, `login-${randomBytes(8).toString("hex")}`);
    const ticket = randomBytes(24).toString("hex");
    logins.set(ticket, authentication.name);
    return `<p>Jumio compares your face.
      <p><a href="${escaped(client_session.web_href)}" target=_blank>Look into the camera</a>
      <p>Then <a href="/result/${ticket}">go on</a>`;
  }

  async function result(name: string): Promise<string> {
    const { decision, state } = await vault.decision(name, 1);
    if (decision === "DECISION_PASSED") return "<p>Welcome back, you are logged in.";
    if (decision !== "DECISION_UNSPECIFIED" || state === "STATE_EXPIRED") return `<p>That did not work.${BUTTON}`;
    return "<meta http-equiv=refresh content=2><p>Waiting for your phone or camera ...";
  }

  return createServer(async (request, response) => {
    // Whoever has the link can act as the person: no cache, and no other site learns of it.
    const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer" };
    try {
      const name = logins.get(request.url?.split("/result/")[1] ?? "");
      const body = request.method === "POST" ? await login() : name ? await result(name) : BUTTON;
      response.writeHead(200, headers).end(STYLE + body);
    } catch (error) {
      const sorry = error instanceof Refused ? SORRY[error.reason] : undefined;
      if (!sorry) console.error(error instanceof Refused ? `${error.reason}: ${error.message}` : error);
      response.writeHead(503, headers).end(`${STYLE}<p>${sorry ?? "Please try again later."}${BUTTON}`);
    }
  });
}
