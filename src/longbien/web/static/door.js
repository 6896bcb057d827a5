// Coming in and staying: passkeys, badges, the lock that keeps the work. Without script the password still opens.
"use strict";
(() => {
  const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const post = (url, fields = {}) => fetch(url, { method: "POST", headers: { "X-CSRF-Token": lb.csrf, "X-Part": "1" }, body: new URLSearchParams(fields) });

  // ---- passkeys
  function answer(c) {
    const r = c.response, out = { id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: c.getClientExtensionResults(), response: { clientDataJSON: text(r.clientDataJSON) } };
    for (const k of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (r[k]) out.response[k] = text(r[k]);
    if (r.getTransports) out.response.transports = r.getTransports();
    return JSON.stringify(out);
  }
  let waiting;   // one question at a time: the silent one of the sign-in field ends when a button asks
  async function show(silent) {
    waiting?.abort(); waiting = new AbortController();
    const r = await post("/sign-in/passkey/ask"); if (!r.ok) throw new Error(await r.text());
    const o = await r.json(); o.challenge = bytes(o.challenge); for (const c of o.allowCredentials || []) c.id = bytes(c.id);
    return answer(await navigator.credentials.get({ publicKey: o, signal: waiting.signal, ...(silent ? { mediation: "conditional" } : {}) }));
  }
  async function make(url) {
    const r = await post(url); if (r.status === 401) { location.reload(); return ""; } if (!r.ok) throw new Error(await r.text());
    const o = await r.json(); o.challenge = bytes(o.challenge); o.user.id = bytes(o.user.id); for (const c of o.excludeCredentials || []) c.id = bytes(c.id);
    return answer(await navigator.credentials.create({ publicKey: o }));
  }
  const able = !!window.PublicKeyCredential;
  for (const b of $$("[data-passkey]")) { b.hidden = !able; b.addEventListener("click", () => use(b)); }
  async function use(b) {
    const f = b.form, error = $("[data-passkey-error], .msg[role=alert]", f);
    if (error) error.textContent = ""; b.disabled = true;
    try {
      if (b.dataset.passkey === "make") { const c = await make("/account/passkeys/ask"); if (c) { f.elements.credential.value = c; f.submit(); } return; }
      const credential = await show();
      if (b.dataset.passkey === "unlock") { await unlock({ credential }); return; }
      await enter(f.getAttribute("action"), { credential, next: f.elements.next.value }, error);
    } catch (e) { if (error && e.name !== "AbortError") error.textContent = e.name === "NotAllowedError" ? "" : e.message; } finally { b.disabled = false; }
  }
  async function enter(url, fields, error) {
    const r = await post(url, fields), go = r.headers.get("X-Go");
    if (go) { sessionStorage.clear(); location.href = go; return true; }
    error.textContent = await r.text(); return false;
  }
  if (able && $("#sign-in") && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then(async (can) => {
      if (!can) return;
      const f = $("[data-passkey-form]");
      try { await enter("/sign-in/passkey", { credential: await show(true), next: f.elements.next.value }, $("[data-passkey-error]", f)); } catch { /* asked by hand, or not at all */ }
    });
  }

  // ---- a badge: a reader types a number faster than any hand, and ends with Enter
  const tap = $("form[data-switch]");
  if (tap) {
    let typed = "", last = 0;
    document.addEventListener("keydown", (e) => {
      const lockOpen = $("#lock")?.open;
      if (!lockOpen && !$("#sign-in")) return;
      const now = e.timeStamp, quick = now - last < 50; last = now;
      if (e.key.length === 1 && !e.ctrlKey && !e.metaKey) { typed = quick ? typed + e.key : e.key; return; }
      if (e.key === "Enter" && quick && typed.length >= 6 && !e.target.matches("[name=pin], [type=password]:not(#lock-word)")) {
        e.preventDefault(); e.stopPropagation();
        if (e.target.value?.endsWith(typed)) e.target.value = e.target.value.slice(0, -typed.length);
        tap.elements.badge.value = typed; tap.hidden = false; $("[data-pin]", tap).hidden = false; tap.elements.pin.value = ""; tap.elements.pin.focus();
      }
      if (e.key !== "Shift") typed = "";
    }, true);
    tap.addEventListener("submit", async (e) => {
      e.preventDefault(); if (!tap.elements.badge.value) return;
      if (!await enter("/sign-in/badge", { badge: tap.elements.badge.value, pin: tap.elements.pin.value, next: tap.elements.next.value }, $("#switch-error"))) tap.elements.pin.select();
    });
  }

  // ---- the lock
  const screen = $("#lock"), after = Number(document.body.dataset.lock || 0) * 1000;
  if (!screen) return;
  const waits = [], started = Date.now();
  let here = started, told = started;
  lb.locked = (then) => { if (!screen.open) return false; if (then) waits.push(then); return true; };
  const shut = () => { if (screen.open) return; $$("dialog[open]").forEach((d) => d.close()); document.body.classList.add("locked"); screen.showModal(); $("#lock-word").focus(); };
  lb.lock = async () => {
    await Promise.all($$("form[data-form]").map((f) => f.lbSave?.())); shut(); lb.store("locked", Date.now());
    try { await post("/lock"); } catch { /* away: the page is locked all the same, and the server locks by itself */ }
  };
  screen.addEventListener("cancel", (e) => e.preventDefault());
  screen.addEventListener("keydown", (e) => { if (e.key === "Escape") e.preventDefault(); });
  function open() {
    if (!screen.open) return;
    here = told = Date.now(); $("#lock-word").value = ""; $("#lock-error").textContent = "";
    document.body.classList.remove("locked"); screen.close(); for (const then of waits.splice(0)) then();
  }
  async function unlock(fields) {
    const error = $("#lock-error"); error.textContent = "";
    try {
      const r = await post("/unlock", fields);
      if (!r.headers.get("X-Go")) { error.textContent = await r.text(); $("#lock-word").select(); return; }
      if (r.headers.get("X-Go") === "/sign-in") { location.href = "/sign-in?next=" + encodeURIComponent(location.pathname); return; }
      lb.store("unlocked", Date.now()); open();
    } catch { error.textContent = screen.dataset.away; }
  }
  $("form[data-unlock]").addEventListener("submit", (e) => { e.preventDefault(); unlock({ word: $("#lock-word").value }); });
  $("[data-leave]", screen).addEventListener("click", () => sessionStorage.clear());
  // every page of the browser locks and opens together
  window.addEventListener("storage", (e) => { if (e.key === "locked") shut(); if (e.key === "unlocked") open(); if (e.key === "here") here = Math.max(here, Number(e.newValue) || 0); });
  for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
    document.addEventListener(kind, () => { if (screen.open) return; const now = Date.now(); if (now - here > 2000) lb.store("here", now); here = now; }, { passive: true, capture: true });
  }
  setInterval(() => {
    const now = Date.now();
    if (!screen.open && now - here >= after) lb.lock();
    else if (!screen.open && here > told && now - told > 60000) { told = now; post("/here").then((r) => { if (r.headers.get("X-Locked")) shut(); }).catch(() => {}); }
  }, Math.min(5000, after / 4));
  $("[data-lock-now]")?.addEventListener("click", lb.lock);
  lb.keys.l = lb.lock;
  lb.shut = shut;
})();

document.querySelectorAll("[data-print-slip]").forEach((b) => b.addEventListener("click", () => window.print()));
