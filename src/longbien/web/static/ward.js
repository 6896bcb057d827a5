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
    all.forEach((c, k) => k === n ? c.setAttribute("aria-selected", "true") : c.removeAttribute("aria-selected"));
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
      if (chosen) document.getElementById(chosen)?.setAttribute("aria-selected", "true");
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
  if (location.hash.startsWith("#bed-")) { chosen = location.hash.slice(1); document.getElementById(chosen)?.setAttribute("aria-selected", "true"); }
}
// ---- choosing a bed: the first that nothing speaks against stands ready, so that Enter is enough
const pick = $(".bedchoice");
if (pick && !$("input:checked", pick)) { const free = $(".pick:not(.against):not(.taken) input", pick); if (free) free.focus(); }
