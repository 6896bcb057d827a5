// A real OpenID provider for the tests: people and clients as the environment says them; whoever comes is signed in as ?login_hint.
import http from "node:http";
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
const require = createRequire(process.env.NODE_ROOT + "/");
const { Provider } = await import(require.resolve("oidc-provider"));

const people = JSON.parse(process.env.PEOPLE), clients = JSON.parse(process.env.CLIENTS);
let heard = "", who = Object.keys(people)[0], n = 0, acr = "high";
const key = () => ({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), kid: `key-${++n}`, use: "sig", alg: "RS256" });
let handler;
function renew(issuer) {
  const provider = new Provider(issuer, {
    clients, jwks: { keys: [key()] }, acrValues: ["low", "high"], adapter: globalThis.adapter,
    claims: { openid: ["sub"], profile: ["name", "birthdate", "citizen_id"], acr: null, sid: null },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (ctx, i) => `/interaction/${i.uid}` }, cookies: { keys: ["a test"] }, pkce: { required: () => true },
    fetch: (to, o) => globalThis.fetch(to, { method: o.method, headers: o.headers, body: o.body }), conformIdTokenClaims: true, findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
  });
  handler = { provider, callback: provider.callback() };
}
const server = http.createServer(async (req, res) => {
  const url = new URL(req.url, "http://localhost");
  if (url.pathname === "/test/as") { who = url.searchParams.get("who") ?? who; acr = url.searchParams.get("acr") ?? acr; return res.end("ok"); }
  if (url.pathname === "/test/heard") { let body = ""; for await (const part of req) body += part; heard = new URLSearchParams(body).get("logout_token"); return res.end(); }
  if (url.pathname === "/test/logout") {
    const client = await handler.provider.Client.find("city");
    try { await client.backchannelLogout(url.searchParams.get("sub"), url.searchParams.get("sid") ?? "a-session"); } catch (e) { heard = String(e); }
    return res.end(heard);
  }
  if (url.pathname === "/test/rotate") { renew(handler.provider.issuer); return res.end("ok"); }
  if (url.pathname.startsWith("/interaction/")) {
    const { provider } = handler, details = await provider.interactionDetails(req, res);
    const grant = new provider.Grant({ accountId: who, clientId: details.params.client_id });
    grant.addOIDCScope("openid profile");
    return provider.interactionFinished(req, res, { login: { accountId: who, acr }, consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: false });
  }
  handler.callback(req, res);
});
server.listen(Number(process.env.PORT), "127.0.0.1", () => { renew(`http://127.0.0.1:${process.env.PORT}`); console.log("ready"); });
