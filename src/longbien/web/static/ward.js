// The ward: the board that keeps itself up to date, choosing with keys, charts, the drug round with a scanner, work without network.
"use strict";
document.documentElement.classList.add("js");
for (const e of $$("[data-submits]")) e.addEventListener("change", () => {
  const as = e.dataset.submits, b = as ? $(`button[name=act][value="${as}"]`, e.form) : null;
  e.form.requestSubmit(b || undefined);
});
for (const a of $$("a[data-key]")) lb.keys[a.dataset.key] = () => { const now = $(`a[data-key="${a.dataset.key}"]`); if (now) location.href = now.href; };
const cancel = $("main a.btn.plain[href^='/ward']");
if (cancel && !$("#board")) lb.keys.Escape = (e) => { if (lb.typing(e)) return false; location.href = cancel.href; return true; };

// ---- the board
const main = $(".wardboard");
if (main) {
  let chosen = "", timer = 0, last = 0;
  const cards = () => $$(".bed[data-bed]");
  const choose = (i) => {
    const all = cards(); if (!all.length) return;
    const n = Math.max(0, Math.min(all.length - 1, i));
    all.forEach((c, k) => k === n ? c.setAttribute("aria-current", "true") : c.removeAttribute("aria-current"));
    chosen = all[n].id; all[n].scrollIntoView({ block: "nearest" }); $(".who", all[n]).focus({ preventScroll: true });
  };
  const where = () => cards().findIndex((c) => c.id === chosen);
  lb.step = (by) => choose(where() < 0 ? 0 : where() + by);
  lb.keys.ArrowRight = () => lb.step(1); lb.keys.ArrowLeft = () => lb.step(-1);
  lb.keys.c = () => { const c = document.getElementById(chosen) || cards()[0], a = c && $(".swap", c); if (a) location.href = a.href; };
  async function again() {
    last = Date.now();
    try {
      const r = await fetch(main.dataset.again, { headers: { "X-Part": "1", "X-By-Itself": "1" } });
      if (r.status === 401) { location.reload(); return; }
      if (!r.ok) return;
      if (lb.typing({ target: document.activeElement })) return;   // somebody chooses a ward just now
      $("#board").innerHTML = await r.text();
      for (const e of $$("#board [data-submits]")) e.addEventListener("change", () => e.form.requestSubmit());
      if (chosen) document.getElementById(chosen)?.setAttribute("aria-current", "true");
      lb.toast("");
    } catch { lb.toast(main.dataset.offline, 60000); }
  }
  const soon = () => { clearTimeout(timer); timer = setTimeout(again, Math.max(300, 2000 - (Date.now() - last))); };
  const source = new EventSource(main.dataset.live);
  source.addEventListener("changed", soon);
  let away = false;
  source.onerror = () => { if (!navigator.onLine) { away = true; lb.toast(main.dataset.offline, 60000); } };
  source.onopen = () => { if (away || last) soon(); away = false; };
  setInterval(() => { if (document.visibilityState === "visible") again(); }, 60000);   // what is due grows late by itself
  if (location.hash.startsWith("#bed-")) { chosen = location.hash.slice(1); document.getElementById(chosen)?.setAttribute("aria-current", "true"); }
}
// ---- choosing a bed: the first that nothing speaks against stands ready, so that Enter is enough
const pick = $(".bedchoice");
if (pick && !$("input:checked", pick)) { const free = $(".pick:not(.against):not(.taken) input", pick); if (free) free.focus(); }

// ---- the drug round: the scanner types into the field and ends with Enter; J and K go through the round
const code = $("[data-scan]");
if (code) {
  lb.keys.s = () => code.focus(); lb.keys.x = () => { const d = $(".dose details"); if (d) { d.open = true; $("select", d).focus(); } };
  lb.step = (by) => { const a = $(by > 0 ? "#follow" : "#prev"); if (a) location.href = a.href; };
  const enter = $("[data-enter]:not([disabled])");
  const beside = $("#second");
  if (beside) beside.focus(); else if (enter) { enter.focus(); lb.keys.Enter = () => enter.form.requestSubmit(enter); } else if (!$("#dose")) code.focus();
  // a scanner is quicker than fingers: a burst of keys while nothing is being typed belongs to the field
  let burst = "", at = 0;
  document.addEventListener("keydown", (e) => {
    if (lb.typing(e) || e.ctrlKey || e.metaKey || e.altKey) return;
    const fast = e.timeStamp - at < 35; at = e.timeStamp;
    if (e.key === "Enter" && burst.length >= 6) { e.preventDefault(); e.stopImmediatePropagation(); code.value = burst; burst = ""; code.form.requestSubmit(); return; }
    burst = e.key.length === 1 ? (fast ? burst + e.key : e.key) : "";
    if (burst.length > 3) { e.preventDefault(); e.stopImmediatePropagation(); }
  }, true);
}
// ---- without network: what is tapped stays on this machine (numbers of records, no names) and is sent once when it is back
const room = "ward-kept-" + document.body.dataset.user;
const held = () => lb.store(room) || [];
function told() {
  const box = $("#kept"); if (!box) return;
  const n = held().length; box.hidden = !n;
  if (n) $("p", box).textContent = $("p", box).dataset.said.replace("{n}", n);
}
// what needs a second person is never kept: a PIN does not lie about on a machine
for (const form of $$("form[data-needs-network]")) form.addEventListener("submit", (e) => { if (!navigator.onLine) { e.preventDefault(); lb.toast(form.dataset.needsNetwork, 12000); } });
let sending = false;
async function send() {
  if (sending || !held().length) return;
  sending = true;
  const wrong = [];
  let sent = 0;
  try {
    while (held().length) {
      const [first, ...rest] = held();
      const r = await lb.post(first.url, { ...first.fields, csrf: lb.csrf }, { "X-Part": "1" });
      if (r.status === 401 || r.status >= 500) break;
      lb.store(room, rest.length ? rest : null);
      if (r.ok || r.status === 204) sent += 1; else wrong.push(await r.text());
    }
  } catch { /* still away */ }
  sending = false; told();
  const box = $("#kept");
  if (box && (sent || wrong.length) && !held().length) { box.hidden = false; $("p", box).textContent = [sent ? $("p", box).dataset.sent : "", ...wrong].join(" "); }
}
for (const form of $$("form[data-keeps]")) form.addEventListener("submit", async (e) => {
  if (!navigator.onLine || form.dataset.away) e.preventDefault(); else {
    e.preventDefault();
    const fields = Object.fromEntries(new FormData(form, e.submitter));
    try {
      const r = await lb.post(form.action, fields, { "X-Part": "1" });
      if (r.headers.get("X-Go")) { location.href = decodeURIComponent(r.headers.get("X-Go")); return; }
      if (r.status < 500) { form.removeAttribute("data-keeps"); lb.toast(await r.text(), 12000); return; }
    } catch { /* away: below */ }
  }
  const fields = Object.fromEntries(new FormData(form, e.submitter)); delete fields.csrf;
  const all = held().filter((x) => x.fields.once !== fields.once || x.fields.order !== fields.order || x.fields.due !== fields.due);
  lb.store(room, [...all, { url: form.action, fields: { ...fields, tapped: new Date().toISOString() } }]);
  const done = document.createElement("p"); done.className = "banner warn"; done.textContent = $("#kept p").dataset.said.replace("{n}", all.length + 1);
  form.replaceChildren(done); told();
});
addEventListener("online", send); setInterval(() => { if (navigator.onLine) send(); }, 10000); told(); send();

// ---- the grid of vital signs: a row is saved when one leaves it, or with Enter; arrows go through it
const vgrid = $(".vgrid");
if (vgrid) {
  // without network a row waits: its values stay on this machine (numbers, no names), in the row and after a reload, and are sent once
  const waits = "vitals-kept-" + document.body.dataset.user, typedIn = (row) => Object.fromEntries([...new FormData($("form", row))].filter(([k]) => k !== "csrf"));
  const mark = (fields) => fields.patient + " " + fields.slot;
  function keepRow(row, on) {
    const all = lb.store(waits) || {}, fields = typedIn(row);
    if (on) all[mark(fields)] = fields; else delete all[mark(fields)];
    lb.store(waits, Object.keys(all).length ? all : null);
    row.toggleAttribute("data-unsent", on);
    if (on && !$(".waits", row)) {   // said where one looks, for as long as it is so
      const tr = document.createElement("tr"), td = document.createElement("td"); td.colSpan = 99; td.className = "warn"; td.setAttribute("role", "status");
      tr.className = "said waits"; td.textContent = vgrid.dataset.offline; tr.append(td); row.append(tr);
    } else if (!on) $(".waits", row)?.remove();
  }
  const again = () => { for (const row of $$("[data-unsent]", vgrid)) save(row); };
  for (const row of $$("[data-row]", vgrid)) {
    const there = $("form", row) && (lb.store(waits) || {})[mark(typedIn(row))];
    if (!there) continue;
    for (const [k, v] of Object.entries(there)) { const el = row.querySelector(`input.input[name="${k}"], select.input[name="${k}"]`); if (el && !el.value) el.value = v; }
    row.setAttribute("data-unsent", "");
  }
  addEventListener("online", again); setTimeout(() => { if (navigator.onLine) again(); }, 300); setInterval(() => { if (navigator.onLine) again(); }, 5000);
  const changed = (row) => $$("input.input, select.input", row).some((e) => e.value.trim() && e.value !== e.defaultValue && !e.dataset.sent);
  async function save(row) {
    const form = $("form", row);
    if (!form || row.dataset.busy) return;
    row.dataset.busy = "1";
    try {
      const r = await lb.post(form.action, Object.fromEntries(new FormData(form)), { "X-Part": "1" });
      if (r.status === 401) { lb.toast(await r.text(), 12000); delete row.dataset.busy; return; }
      keepRow(row, false);
      const box = document.createElement("table"), at = document.activeElement, mine = row.contains(at) ? at.name : "";
      box.innerHTML = await r.text();
      const fresh = $("tbody", box); row.replaceWith(fresh);
      const said = $("#charted"); if (said) said.textContent = said.dataset.said.replace("{n}", $$("[data-row]", vgrid).filter((x) => $(".had", x)).length);
      if (mine || r.status >= 400) { const f = $("[aria-invalid]", fresh) || (mine && $(`[name="${mine}"]`, fresh)); if (f) f.focus(); }
    } catch { delete row.dataset.busy; keepRow(row, true); }
  }
  vgrid.addEventListener("focusout", (e) => {
    const row = e.target.closest("[data-row]");
    if (row && !row.contains(e.relatedTarget) && changed(row) && !row.classList.contains("wrong")) save(row);
  });
  vgrid.addEventListener("submit", (e) => { e.preventDefault(); const row = e.target.closest("[data-row]"); if (row) save(row); });
  vgrid.addEventListener("keydown", (e) => {
    if (e.key !== "ArrowDown" && e.key !== "ArrowUp" || e.target.tagName !== "INPUT") return;
    const rows = $$("[data-row]", vgrid), n = rows.indexOf(e.target.closest("[data-row]")) + (e.key === "ArrowDown" ? 1 : -1);
    const to = rows[n] && $(`[name="${e.target.name}"]`, rows[n]); if (to) { e.preventDefault(); to.focus(); to.select(); }
  });
}
