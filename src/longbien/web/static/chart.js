// The open chart: panels, drafts, live updates, the axis' speeds, the ICD-10 box.
"use strict";
(() => {
  const chart = $(".chart"), side = $("#side"), id = chart.dataset.patient, base = "/patients/" + id;
  const forms = $$("form[data-form]");

  // ---- open charts, next patient
  const here = base, mine = JSON.parse(sessionStorage.getItem("open") || "[]").filter((c) => c.href !== here);
  const given = $(".strip h1 b")?.textContent || "?";
  mine.unshift({ href: here, name: given }); sessionStorage.setItem("open", JSON.stringify(mine.slice(0, 4)));
  const seg = $("#open");
  if (mine.length > 1) {
    for (const c of mine.slice(0, 4)) { const a = document.createElement("a"); a.href = c.href; a.textContent = c.name; if (c.href === here) a.setAttribute("aria-current", "page"); seg.append(a); }
    seg.hidden = false;
  }
  const list = JSON.parse(sessionStorage.getItem("list") || "[]"), at = list.indexOf(here), next = list[at + 1];
  if (at >= 0 && next) { const n = $("#next"); n.href = next; n.hidden = false; }

  // ---- the panel
  function open(key) {
    side.classList.add("open");
    for (const f of $$("#write [data-form]")) f.hidden = f.dataset.form !== key;
    $$("#write [data-panel]").forEach((a) => a.dataset.panel === key ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current"));
    const form = $(`#write [data-form="${key}"]`), field = $("[aria-invalid], textarea, input:not([type=hidden])", form);
    if (field) field.focus();
  }
  document.addEventListener("click", async (e) => {
    const p = e.target.closest("[data-panel]");
    if (p && !e.ctrlKey && !e.metaKey) { e.preventDefault(); open(p.dataset.panel); return; }
    if (e.target.closest("[data-close]")) { close(e.target.closest("#read") ? "read" : "write"); return; }
    const r = e.target.closest("[data-read]");
    if (r && !e.ctrlKey && !e.metaKey) { e.preventDefault(); await read(r.href); return; }
    const s = e.target.closest("a[data-span]");
    if (s && !e.ctrlKey && !e.metaKey) { e.preventDefault(); chart.dataset.span = s.dataset.span; await refresh(); $(`a[data-span="${s.dataset.span}"]`)?.focus(); }
  });
  async function read(href) {
    try {
      const r = await fetch(href, { headers: { "X-Part": "1" } });
      if (r.status === 401) { again(() => read(href)); return; }
      $("#read-text").innerHTML = await r.text();
      $("#read").hidden = false; side.classList.add("open"); $("#read-text").focus({ preventScroll: true });
    } catch { lb.toast(chart.dataset.offline); }
  }
  function close(what) {
    if (what === "read") $("#read").hidden = true; else side.classList.remove("open");
    document.activeElement?.blur();
  }
  lb.keys.n = () => open("note"); lb.keys.v = () => open("vitals");
  for (const a of $$("#write a[data-letter]")) lb.keys[a.dataset.letter] = () => open(a.dataset.panel);
  for (const a of $$("a[data-go]")) lb.keys[a.dataset.go] = () => { location.href = a.href; };
  lb.keys.a = () => { const b = $(".ack"); if (b) b.form.requestSubmit(); };
  lb.keys["shift a"] = () => { const b = $("#seen"); if (b) b.form.requestSubmit(); };
  lb.keys.p = () => window.print();
  for (const b of $$("[data-print-page]")) b.addEventListener("click", () => window.print());
  for (const c of $$("[data-choose]")) c.addEventListener("change", () => c.requestSubmit());
  lb.keys["0"] = () => $('a[data-span="all"]')?.click();
  for (const a of $$(".tabs a[data-key]")) lb.keys[a.dataset.key] = () => a.click();
  lb.keys.Escape = (e) => {
    if (!$("#read").hidden) { close("read"); return true; }
    if (side.contains(document.activeElement) && lb.typing(e)) { document.activeElement.blur(); return true; }
    if (side.classList.contains("open") && getComputedStyle(side).position === "fixed") { close("write"); return true; }
    if (lb.typing(e)) return false;
    location.href = $("#back").href; return true;
  };

  // ---- drafts: to the server as typed, to this machine when the server is away; never lost
  const label = (f, text) => { const s = $("[data-saved-at]", f); if (s) s.textContent = text; };
  const values = (f) => Object.fromEntries([...new FormData(f)].filter(([k]) => !["csrf", "once", "discard"].includes(k)));
  const key = (f) => `draft ${document.body.dataset.user || ""} ${id} ${f.dataset.form}`;
  for (const f of forms) {
    let timer;
    const start = JSON.stringify(values(f));
    const kept = lb.store(key(f));
    if (kept && JSON.stringify(kept) !== start && !$("[aria-invalid]", f)) {
      for (const [k, v] of Object.entries(kept)) { const el = f.elements[k]; if (el) el.value = v; }
      send(f);
    }
    f.addEventListener("input", () => {
      lb.store(key(f), values(f));
      clearTimeout(timer); timer = setTimeout(() => send(f), 500);
    });
    f.addEventListener("submit", async (e) => {
      e.preventDefault(); clearTimeout(timer);
      if (f.dataset.sent) return;   // a second Enter does not write twice
      f.dataset.sent = "1"; lb.store(key(f), values(f));
      try { await submit(f, e.submitter); } finally { delete f.dataset.sent; }
    });
    f.lbSave = () => { clearTimeout(timer); return lb.store(key(f)) && !f.dataset.sent ? send(f) : null; };
    window.addEventListener("pagehide", () => { if (lb.store(key(f)) && !f.dataset.sent) send(f); });
  }
  async function send(f) {
    const body = values(f);
    try {
      const r = await lb.post(`${base}/drafts/${f.dataset.form}`, body, { "X-Part": "1" });
      if (r.status === 401) { label(f, chart.dataset.saved); again(() => send(f)); return; }
      if (!r.ok) throw new Error(r.status);
      if (JSON.stringify(body) === JSON.stringify(values(f))) lb.store(key(f), null);
      label(f, await r.text());
      const d = $('[name="discard"]', f); if (d) d.hidden = false;
    } catch { label(f, chart.dataset.offline); setTimeout(() => { if (lb.store(key(f)) && !f.dataset.sent) send(f); }, 5000); }
  }
  // a form goes to the server without leaving the page: what was typed stays until the server has it
  async function submit(f, button) {
    const body = { ...values(f), once: f.elements.once.value };
    if (button?.name) body[button.name] = button.value;
    let r;
    try { r = await lb.post(f.action, body, { "X-Part": "1" }); } catch { label(f, chart.dataset.offline); return; }
    if (r.status === 401) { again(() => submit(f, button)); return; }
    const next = r.headers.get("X-Go");
    if (next) { lb.store(key(f), null); location.href = next; return; }
    const fields = $(".fields", f), said = await r.text();
    if (r.status === 422) { lb.store(key(f), null); fields.innerHTML = said; $$("[data-terms]", f).forEach(terms); $("[aria-invalid]", f)?.focus(); return; }
    let p = $(".banner.crit", fields);
    if (!p) { p = document.createElement("p"); p.className = "banner crit"; p.setAttribute("role", "alert"); fields.prepend(p); }
    p.textContent = said; p.scrollIntoView({ block: "nearest" });
  }

  // ---- the sign-in has ended: come in again without leaving the place; then what waited goes on
  const door = $("#again"), waiting = [];
  async function again(then) {
    if (lb.locked?.(then)) return;
    const r = await lb.post("/here", {}, { "X-Part": "1" }).catch(() => null);
    if (r?.headers.get("X-Locked") && lb.shut) { lb.shut(); lb.locked(then); return; }
    if (then) waiting.push(then);
    if (!door.open) { door.showModal(); $("#again-password").focus(); }
  }
  lb.again = again;   // pages of departments that write in the chart's middle
  door.addEventListener("close", () => { waiting.length = 0; });
  $("form", door).addEventListener("submit", async (e) => {
    e.preventDefault();
    const f = e.target, error = $("#again-error");
    error.textContent = "";
    try {
      const r = await fetch("/sign-in", { method: "POST", headers: { "X-Part": "1" }, body: new URLSearchParams(new FormData(f)) });
      if (!r.headers.get("X-Go")) { error.textContent = await r.text(); $("#again-password").select(); return; }
      const page = new DOMParser().parseFromString(await (await fetch(base)).text(), "text/html");
      if (page.body.dataset.user !== document.body.dataset.user || !$(".chart", page)) { location.reload(); return; }
      lb.csrf = page.body.dataset.csrf; $$('[name="csrf"]').forEach((i) => { i.value = lb.csrf; });
      const next = waiting.splice(0); $("#again-password").value = ""; door.close();
      listen(); for (const go of next) await go();
    } catch { error.textContent = chart.dataset.offline; }
  });

  // ---- live: somebody wrote; fetch the changed parts, leave the panel alone
  let busy = false, more = false;
  async function refresh() {
    if (busy) { more = true; return; }
    busy = true;
    try {
      const u = new URL(location.href); u.searchParams.set("part", "1"); u.searchParams.set("span", chart.dataset.span);
      const r = lb.moved(await fetch(u, { headers: { "X-By-Itself": "1", "X-In-View": document.hidden ? "0" : "1" } }));
      if (r.status === 401) { again(refresh); return; }
      if (!r.ok) return;
      const fresh = new DOMParser().parseFromString(await r.text(), "text/html");
      const before = new Set($$("#news .wide b:first-of-type").map((b) => b.textContent));
      const focus = document.activeElement?.closest("[data-part]") ? document.activeElement.getAttribute("href") : null;
      for (const part of $$("[data-part]", fresh)) { const old = document.getElementById(part.id); if (old && !$("[data-keep]", old)) old.innerHTML = part.innerHTML; }
      if (focus) $(`[data-part] [href="${CSS.escape(focus)}"]`)?.focus();
      const alarm = $$("#news .wide b:first-of-type").find((b) => !before.has(b.textContent));
      if (alarm) $("#alarm-said").textContent = alarm.parentElement.textContent;
      return true;
    } catch { return false; }
    finally { busy = false; if (more) { more = false; refresh(); } }
  }
  let wait, live, lost = false;
  function listen() {
    if (live && live.readyState !== EventSource.CLOSED) return;
    live = new EventSource(chart.dataset.live);
    live.addEventListener("open", () => { chart.dataset.listening = "1"; if (lost) refresh(); lost = false; });
    live.addEventListener("changed", () => { clearTimeout(wait); wait = setTimeout(async () => { if (await refresh()) $("#news-said").textContent = chart.dataset.changed; }, 150); });
    live.addEventListener("error", () => { lost = true; delete chart.dataset.listening; if (live.readyState === EventSource.CLOSED) ended(); });
  }
  // A browser tries again after a broken line, but never after an answer other than 200: the sign-in has ended, the record is
  // closed to the reader, or the database is away. Ask which, quietly.
  async function ended() {
    try {
      const r = await fetch(chart.dataset.live, { method: "HEAD", headers: { "X-Part": "1", "X-By-Itself": "1" } });
      if (r.status === 401) return again();
      if (r.status === 403 || r.status === 404) return;
    } catch { /* no network: try again */ }
    setTimeout(listen, 5000);
  }
  listen();
  window.addEventListener("pagehide", () => live.close());

  // ---- ICD-10 by Vietnamese words
  function terms(box) {
    const ul = document.getElementById(box.getAttribute("aria-controls")), code = $("[data-code]", box.parentElement);
    let timer, mark = -1, asked = 0;
    const items = () => $$("li", ul);
    const show = (on) => { ul.hidden = !on; box.setAttribute("aria-expanded", String(on)); if (!on) box.removeAttribute("aria-activedescendant"); };
    const pick = (li) => { box.value = box.dataset.joined ? li.dataset.code + " · " + li.dataset.name : li.dataset.name; if (code) code.value = li.dataset.code; show(false); box.dispatchEvent(new Event("input", { bubbles: true })); box.dataset.picked = box.value; };
    const move = (i) => { const all = items(); if (!all.length) return; mark = (i + all.length) % all.length; all.forEach((li, n) => li.setAttribute("aria-selected", String(n === mark))); box.setAttribute("aria-activedescendant", all[mark].id); all[mark].scrollIntoView({ block: "nearest" }); };
    box.addEventListener("input", (e) => {
      if (!e.isTrusted) return;
      if (code) code.value = ""; clearTimeout(timer);
      timer = setTimeout(async () => {
        const n = ++asked, q = box.value.trim();
        if (!q) { show(false); return; }
        try {
          const r = await fetch(box.dataset.terms + "?" + new URLSearchParams({ q }));
          if (n !== asked || !r.ok) return;
          const { terms: found, said } = await r.json(), note = $("[data-list-note]", box.parentElement);
          note.textContent = said; note.hidden = !said;
          ul.replaceChildren(...found.map((t, i) => {
            const li = document.createElement("li"); li.role = "option"; li.id = ul.id + "-" + i; li.dataset.code = t.code; li.dataset.name = t.name;
            const a = document.createElement("span"), b = document.createElement("span"); a.textContent = t.name; b.textContent = t.code; b.className = "code quiet"; li.append(a, b);
            li.addEventListener("mousedown", (ev) => { ev.preventDefault(); pick(li); }); return li;
          }));
          show(found.length > 0); if (found.length) move(0);
        } catch { show(false); }
      }, 100);
    });
    box.addEventListener("keydown", (e) => {
      if (ul.hidden || e.isComposing) return;
      if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); move(mark + (e.key === "ArrowDown" ? 1 : -1)); }
      else if (e.key === "Enter" && mark >= 0 && !e.ctrlKey) { e.preventDefault(); pick(items()[mark]); }
      else if (e.key === "Escape") { e.stopPropagation(); e.preventDefault(); show(false); }
    });
    box.addEventListener("blur", () => show(false));
  }
  $$("[data-terms]").forEach(terms);
  const first = $("[aria-invalid]"); if (first) first.focus();
})();
