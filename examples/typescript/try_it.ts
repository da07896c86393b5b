/**
 * The example against a running `fmvault demo`, from onboarding to a login; ends with 0 if all went well.
 *
 * Usage: node build/try_it.js ADDRESS CERTIFICATES SIMULATOR [--stay]
 * (--stay keeps the page open for your browser)
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { serve } from "./page.js";
import { Refused, Vault } from "./vault.js";

const [address, certificates, simulator] = process.argv.slice(2);
assert(address && certificates && simulator, "usage: try_it.js ADDRESS CERTIFICATES SIMULATOR");

/** Jumio and the person are not your code: the simulator plays them. */
async function simulate(path: string, body?: object): Promise<any> {
  const post = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${simulator}/__sim/${path}`, post);
  assert(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

const vault = new Vault(address, certificates);
const made = await simulate("onboardings", { person: "alice" });
const { account_id: account, workflow_execution_id: execution } = made.onboardings[0];
console.log("Alice is onboarded at Jumio");

const enrollment = await vault.enroll(account, execution);
assert.equal(enrollment.state, "STATE_ACTIVE");
console.log(`in the vault: ACTIVE, ${enrollment.facemap_size_bytes} bytes`);

await simulate("clock", { advance: "31d" });
console.log("31 days later, Jumio has deleted the facemap");

await assert.rejects(vault.start("00000000-0000-4000-8000-000000000000", "nobody"), (refused) => {
  assert(refused instanceof Refused && refused.reason === "ENROLLMENT_NOT_FOUND", String(refused));
  console.log(`somebody else: ${refused.reason}: ${refused.message}`);
  return true;
});

// Jumio is busy for the first call; the vault says when to come again, and the example does.
const busy = { status: 429, headers: { "retry-after": 1 } };
await simulate("faults", { method: "PUT", path: "^/api/v1/accounts/", times: 1, action: busy });

const server = serve(vault, account).listen(0, "127.0.0.1");
await once(server, "listening");
const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log("Alice's page:", page);
if (process.argv.includes("--stay")) await once(process, "SIGINT");

const shown = async (url: string, method = "GET") => (await fetch(url, { method })).text();
assert.match(await shown(page), /Log in with your face/);
const began = Date.now();
const started = await shown(`${page}/login`, "POST");
assert(Date.now() - began > 500, "it did not wait");
console.log("Jumio was busy; repeated when the vault said");
const [, link] = started.match(/href="(http[^"]+)"/) ?? [];
const [, result] = started.match(/href="(\/result\/[^"]+)"/) ?? [];
assert(link && result, started);
console.log("the page shows the web link to", new URL(link).pathname);
assert.match(await shown(page + result), /Waiting/);

const { workflow_execution_ids } = await simulate(`accounts/${account}`);
await simulate(`executions/${workflow_execution_ids.at(-1)}/journey`, { person: "alice" });
assert.match(await shown(page + result), /Welcome back/);
console.log("Alice looks into the camera: PASSED, the page lets her in");

server.close();
server.closeAllConnections();
vault.close();
