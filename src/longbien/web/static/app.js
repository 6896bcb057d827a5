// Keys, the account menu, live search, the worklist. Everything here also works without script, more slowly.
"use strict";
const $ = (s, at = document) => at.querySelector(s), $$ = (s, at = document) => [...at.querySelectorAll(s)];
const lb = {
  csrf: document.body.dataset.csrf || "",
  async post(url, fields, headers = {}) {
    return lb.moved(await fetch(url, { method: "POST", headers: { "X-CSRF-Token": lb.csrf, ...headers }, body: new URLSearchParams(fields), keepalive: true }));
  },
  // the record was joined into another: go there, and what this machine keeps of the forms goes along
  moved(r) {
    const to = r.headers.get("X-Moved"), [, , id, ...rest] = location.pathname.split("/");
    if (!to || lb._gone || !location.pathname.startsWith("/patients/")) return r;
    lb._gone = true;
    for (const k of Object.keys(localStorage)) if (k.includes(` ${id} `)) { localStorage.setItem(k.replace(id, to.split("/")[2]), localStorage.getItem(k)); localStorage.removeItem(k); }
    sessionStorage.setItem("open", JSON.stringify(JSON.parse(sessionStorage.getItem("open") || "[]").filter((c) => c.href !== "/patients/" + id)));
    const u = new URL(location.href); u.pathname = [to, ...rest].join("/"); u.searchParams.set("done", "joined");
    const f = document.activeElement?.closest("[data-form]"); if (f) u.searchParams.set("panel", f.dataset.form);
    location.href = u; return r;
  },
  toast(text, ms = 6000) {
    const t = $("#toast"), s = document.createElement("span"); s.textContent = text; t.replaceChildren(s); t.hidden = !text;
    clearTimeout(lb._t); if (text) lb._t = setTimeout(() => { t.hidden = true; }, ms);
  },
  typing(e) { return e.target.closest("input:not([type=radio],[type=checkbox]), textarea, select, [contenteditable=true]"); },
  store(key, value) { try { if (value === undefined) return JSON.parse(localStorage.getItem(key)); value === null ? localStorage.removeItem(key) : localStorage.setItem(key, JSON.stringify(value)); } catch { return null; } },
  keys: {},
};
window.lb = lb;
// what the page has to say stays a while; with something to take back, longer. Its address is that of the page without it.
document.documentElement.dataset.done = new URL(location.href).searchParams.get("done") || "";
if (!$("#toast").hidden) {
  setTimeout(() => { $("#toast").hidden = true; }, $("#undo") ? 12000 : 6000);
  const u = new URL(location.href); for (const k of ["done", "undo", "unsee"]) u.searchParams.delete(k);
  history.replaceState(null, "", u);
}

// entries of the top bar that have no room stand in the account menu too
const bar = $(".topbar nav");
if (bar && bar.scrollWidth > bar.clientWidth + 2) document.body.classList.add("nav-cut");

// single letters may be switched off (WCAG 2.1.4)
const keysOn = $("#keys-on");
lb.keysOn = () => lb.store("keys") !== false;
function showKeys() { document.body.classList.toggle("no-keys", !lb.keysOn()); }
if (keysOn) { keysOn.checked = lb.keysOn(); keysOn.addEventListener("change", () => { lb.store("keys", keysOn.checked); showKeys(); }); }
showKeys();

const help = $("#help");
$$("[data-help]").forEach((b) => b.addEventListener("click", () => help.showModal()));
document.addEventListener("click", (e) => { const m = $("#account[open]"); if (m && !m.contains(e.target)) m.open = false; });

// worklist: J K Enter
let mark = -1;
const rows = () => $$("#worklist tr[data-href]");
function select(i) {
  const all = rows(); if (!all.length) return;
  mark = Math.max(0, Math.min(all.length - 1, i));
  all.forEach((r, n) => r.toggleAttribute("aria-selected", false) || (n === mark && r.setAttribute("aria-selected", "true")));
  all[mark].scrollIntoView({ block: "nearest" }); preview(all[mark]);
}
// who is marked, in a card beside the list
let shown;
function preview(row) {
  const card = $("#preview"); if (!card || !row.dataset.preview || getComputedStyle(card).display === "none") return;
  clearTimeout(shown);
  shown = setTimeout(async () => {
    try {
      const r = await fetch(row.dataset.preview, { headers: { "X-Part": "1" } });
      if (r.ok && row.getAttribute("aria-selected") === "true") card.innerHTML = await r.text();
    } catch { /* away: the list says enough */ }
  }, 120);
}
function remember() { const all = rows(); if (all.length) sessionStorage.setItem("list", JSON.stringify(all.map((r) => r.dataset.href))); }
document.addEventListener("click", (e) => {
  const row = e.target.closest("tr[data-href]");
  if (row && !e.target.closest("a, button, input, form")) location.href = row.dataset.href;
});
if ($("#worklist")) { remember(); if (!$("[data-typing]")) select(0); }

lb.step = (by) => {
  if (rows().length) { select(mark + by); return; }
  const list = JSON.parse(sessionStorage.getItem("list") || "[]"), here = list.findIndex((h) => location.pathname.startsWith(h));
  const next = list[here + by]; if (next && next !== list[here]) location.href = next;
};

document.addEventListener("keydown", (e) => {
  if (e.defaultPrevented || e.isComposing) return;
  if ($("dialog[open]")) return;
  if (e.key === "Escape") {
    const menu = $("#account[open]"); if (menu) { menu.open = false; $("summary", menu).focus(); return; }
    if (lb.keys.Escape && lb.keys.Escape(e)) return;
    if (lb.typing(e)) { e.target.blur(); return; }
  }
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { const f = e.target.closest("form") || $("form.paper:not([hidden])"); if (f) { e.preventDefault(); f.requestSubmit(); } return; }
  if (e.key === "z" && (e.ctrlKey || e.metaKey) && !e.shiftKey && !lb.typing(e)) { const b = $("#undo"); if (b && !$("#toast").hidden) { e.preventDefault(); b.form.requestSubmit(); } return; }
  if (lb.typing(e) || e.ctrlKey || e.metaKey || e.altKey || (help && help.open)) return;
  if (!lb.keysOn() && e.key.length === 1) return;
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  if (key === "/") { const f = $("#find"); if (f) { e.preventDefault(); f.focus(); f.select(); } }
  else if (key === "?") { e.preventDefault(); help.showModal(); }
  else if (key === "j") lb.step(1);
  else if (key === "k") lb.step(-1);
  else if (key === "Enter" && mark >= 0 && rows().length && !e.target.closest("a, button, summary, [role=group]")) location.href = rows()[mark].dataset.href;
  else if (lb.keys[e.shiftKey && e.key.length === 1 ? "shift " + key : key]) { e.preventDefault(); lb.keys[e.shiftKey && e.key.length === 1 ? "shift " + key : key](e); }
});

// results while typing
const find = $("[data-typing]");
if (find) {
  let timer, asked = 0, opens = false;   // opens: Enter was pressed before the answer came
  const box = $("#results");
  const ask = async () => {
    const n = ++asked, q = find.value.trim();
    try {
      const r = await fetch("/search?" + new URLSearchParams({ q, part: "1" }));
      if (!r.ok || n !== asked) return;
      box.innerHTML = await r.text(); mark = -1; $("#preview")?.replaceChildren();
      history.replaceState(null, "", "/search?" + new URLSearchParams({ q }));
      remember(); if (rows().length) { select(0); if (opens) location.href = rows()[0].dataset.href; }
    } catch { /* away: what stands there stays */ }
    opens = false;
  };
  find.addEventListener("input", () => { opens = false; clearTimeout(timer); timer = setTimeout(ask, 120); });
  find.addEventListener("keydown", (e) => {
    if (e.isComposing) return;
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); select(mark + (e.key === "ArrowDown" ? 1 : -1)); }
    if (e.key !== "Enter" || !find.value.trim()) return;
    e.preventDefault();
    if (timerPending()) { clearTimeout(timer); opens = true; ask(); }
    else if (mark >= 0 && rows()[mark]) location.href = rows()[mark].dataset.href;
  });
  const timerPending = () => find.value.trim() !== (new URLSearchParams(location.search).get("q") || "");
  find.setSelectionRange(find.value.length, find.value.length);
  if (rows().length) select(0);
}
// purpose page: number keys choose, Esc leaves
if ($(".purpose")) lb.keys.Escape = () => { location.href = "/today"; return true; };
// A on the list acknowledges what the marked patient has; without a mark, the first
if ($("#worklist") && !$(".chart")) lb.keys.a = () => { const b = $(".ack", rows()[mark] || document) || $("#todo .ack"); if (b) b.form.requestSubmit(); };
$$("input[name=purpose]").forEach((r, i) => { lb.keys[String(i + 1)] = () => { r.checked = true; $("#reason").focus(); }; });
