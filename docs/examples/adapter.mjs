// An adapter (cầu nối) between Liên Thông and "Sổ mẫu": see docs/adapter-guide.md. Node ≥ 22, no packages.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const env = name => process.env["LIENTHONG_" + name] ?? "";
const LEDGER = `${env("WORKFLOW_URL")}/v1/systems/${env("SYSTEM")}`;
const [CALL_MS, POLL_MS] = [1000 * (env("CALL_SECONDS") || 10), 1000 * (env("POLL_SECONDS") || 1)];
const sleep = ms => new Promise(done => setTimeout(done, ms));
const log = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));    // ids and codes only, never people
let token = null, stopping = false;
// ---- Our own services: a token from the client's credentials; 4xx is an answer, all else means "away, ask again"
async function ours(method, url, body) {
  token ??= await fetch(env("TOKEN_URL"), { method: "POST", signal: AbortSignal.timeout(8000), body: new URLSearchParams({
    grant_type: "client_credentials", client_id: env("CLIENT_ID"), client_secret: env("CLIENT_SECRET") }) }).then(r => r.json());
  const answer = await fetch(url, { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(8000),
    headers: { "content-type": "application/json", authorization: `Bearer ${token.access_token}` } });
  if (answer.status === 401) token = null;
  if (answer.status >= 500 || [401, 408, 425, 429].includes(answer.status)) throw new Error("away " + answer.status);
  return { status: answer.status, body: await answer.json() };
}
async function patiently(ask) {
  for (let pause = 200; ; pause = Math.min(pause * 2, 5000)) {
    try { return await ask(); } catch (error) { log("api_away", { why: error.message.slice(0, 80) }); }
    await sleep(pause);
  }
}

// ---- The outside system: every call is signed; the answer is parsed JSON, or a word for there being none
const hmac = (stamp, body) => "sha256=" + createHmac("sha256", env("CALLBACK_SECRET")).update(`${stamp}.`).update(body).digest("hex");
async function theirs(method, path, body = "") {
  const stamp = String(Math.floor(Date.now() / 1000)), signal = AbortSignal.timeout(CALL_MS);
  const headers = { "content-type": "application/json", "x-sandbox-timestamp": stamp, "x-sandbox-signature": hmac(stamp, body) };
  try {
    const answer = await fetch(env("SYSTEM_URL") + path, { method, headers, body: body || undefined, signal });
    if ([502, 503].includes(answer.status)) return { answer: "no_effect", reason_code: String(answer.status) };
    return { said: answer.status === 200 ? await answer.json() : null };
  } catch (error) {
    return { answer: ["ECONNREFUSED", "ENOTFOUND"].includes(error.cause?.code) ? "no_effect" : "unknown", reason_code: error.name };
  }
}

// ---- One delivery: observe what may have taken effect, send, say what came of it
async function observe({ id, payload }) {
  const { said } = await theirs("GET", "/dossier?code=" + encodeURIComponent(payload.dossier.code));
  if (said?.ok === true && !said.error) return said.dossier.changes.some(one => one.id === id) ? "taken" : "absent";
  return said?.ok === false && said.error === "unknown_dossier" ? "absent" : "unknown";
}
async function send({ id, dossier_id, fact, payload }) {
  const version = Math.max(...Object.values(payload.applicant).map(one => one.version));
  const people = `${env("INTAKE_URL")}/v1/dossiers/${dossier_id}/applicant?version=${version}&purpose=exchange:${env("SYSTEM")}:${fact}`;
  const asked = await ours("GET", people).catch(() => ({ status: 0 }));
  if (asked.status !== 200) return { answer: "no_effect", reason_code: "intake_away" };
  const { full_name } = asked.body.applicant, { code, status, accepted_at, appointment_at } = payload.dossier;
  const change = { id, code, kind: fact, at: payload.at, status, accepted_at, due_at: appointment_at, applicant_name: full_name };
  const { said, ...none } = await theirs("POST", "/changes", JSON.stringify(change));
  if (none.answer) return none;
  if (said?.ok === true && !said.error && said.number > 0) return { answer: "taken" };
  const message = String(said?.message ?? "").replaceAll(full_name, "…").slice(0, 300);    // their words, nobody's particulars
  const isRefusal = said?.ok === false && said.error === "closed";                              // the table of refusals: one word long
  return { answer: isRefusal ? "refused" : "unknown", reason_code: String(said?.error ?? "unreadable"), message };
}
async function handle(delivery) {
  const seen = delivery.state === "unknown" ? await observe(delivery) : "absent";
  const result = seen === "absent" ? await send(delivery) : { answer: seen, reason_code: "observed" };
  const { status, body } = await patiently(() => ours("POST", `${LEDGER}/deliveries/${delivery.id}/ack`, { fence: delivery.fence, ...result }));
  log("delivered", { delivery: delivery.id, answer: result.answer, became: body.state ?? body.code, status });    // stale_lease: let it be
}

// ---- What the system says: signed, understood, and brought to us before it hears yes
const OUTCOMES = { done: "registered", refused: "not_eligible" };
const KINDS = new Map([["taken_up", () => ({ kind: "leg_acknowledged" })],
  ["finished", said => ({ kind: "leg_completed", data: { outcome: OUTCOMES[said.result] } })]]);
async function hear(event, raw, headers) {
  const stamp = headers["x-sandbox-timestamp"] ?? "", wanted = Buffer.from(hmac(stamp, raw)), given = Buffer.from(headers["x-sandbox-signature"] ?? "");
  const isRecent = Math.abs(Date.now() / 1000 - Number(stamp || NaN)) < 600;
  if (!isRecent || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return 401;
  const said = JSON.parse(raw), translate = KINDS.get(event);
  if (!translate || !said.id || !said.code || !said.at) return 422;
  const { status, body } = await ours("POST", `${LEDGER}/messages`, { message_id: said.id, dossier_code: said.code, at: said.at, ...translate(said) });
  return status === 200 && ["applied", "moot", "conflict"].includes(body.status) ? 200 : 409;    // parked is never a yes
}
const server = createServer(async (request, reply) => {
  const raw = Buffer.concat(await Array.fromAsync(request)), event = request.url.split("/").pop();
  const status = request.method === "POST" ? await hear(event, raw, request.headers).catch(() => 422) : 200;
  reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ ok: status === 200 }));
}).listen(Number(env("CALLBACK_PORT")), "127.0.0.1");

// ---- The loop: lease the heads of lanes, several dossiers at once; on SIGTERM what is on its way comes to its end
const running = new Set();
process.on("SIGTERM", () => { stopping = true; server.close(); setTimeout(() => process.exit(0), 3000).unref(); });
while (!stopping) {
  const ask = { limit: 9 - running.size, seconds: Number(env("LEASE_SECONDS") || 60) };
  const leased = running.size > 8 ? null : await patiently(() => ours("POST", `${LEDGER}/deliveries/lease`, ask));
  for (const one of leased?.body.items ?? []) {
    const task = handle(one).catch(error => log("failed", { delivery: one.id, why: error.name })).finally(() => running.delete(task));
    running.add(task);
  }
  await Promise.race([sleep(POLL_MS), ...running]);
}
await Promise.allSettled(running).then(() => process.exit(0));
