// The order box: hits as one types, arrow keys and Enter, order sets, drafts kept as typed, signing without leaving the page.
"use strict";
(() => {
  let form = $("#orders");
  if (!form) return;
  const sheet = form.parentElement, known = new Map();
  let hints = null, mark = -1, asked = 0, timer, keeping, busy = false, opens = false, dirty = false;
  const box = () => $("#order-q", form), list = () => $("#order-hits", form), items = () => $$("li", list());

  // ---- hits
  function show(on) { list().hidden = !on; box().setAttribute("aria-expanded", String(on)); if (!on) { mark = -1; box().removeAttribute("aria-activedescendant"); } }
  function move(i) {
    const all = items(); if (!all.length) return;
    mark = (i + all.length) % all.length;
    all.forEach((li, n) => li.setAttribute("aria-selected", String(n === mark)));
    box().setAttribute("aria-activedescendant", all[mark].id); all[mark].scrollIntoView({ block: "nearest" });
  }
  function hit(item, i) {
    const li = document.createElement("li"); li.role = "option"; li.id = "order-hit-" + i; li.dataset.id = item.id;
    const top = document.createElement("div"), name = document.createElement("b"), dose = document.createElement("span"), kind = document.createElement("span");
    name.textContent = item.name; dose.className = "quiet"; dose.textContent = item.dose || item.note || ""; kind.className = "mark push"; kind.textContent = item.kind_title;
    top.className = "hit"; top.append(name, " ", dose, kind); li.append(top);
    for (const [level, text] of (hints || {})[item.id] || []) {
      const v = document.createElement("span"); v.className = "hint v-" + level; v.textContent = (level === "stop" ? "✕ " : level === "warn" ? "! " : "· ") + text; li.append(v);
    }
    li.addEventListener("mousedown", (e) => { e.preventDefault(); pick(li.dataset.id); });
    return li;
  }
  async function find() {
    const n = ++asked, q = box().value.trim();
    if (!q) { show(false); return; }
    try {
      const key = q.toLowerCase();
      if (!known.has(key)) {
        const r = await fetch(form.dataset.search + "?" + new URLSearchParams({ q, icd: form.dataset.icd, kind: form.dataset.kinds }));
        if (!r.ok) return;
        known.set(key, (await r.json()).items);
      }
      if (n !== asked) return;
      // what the patient must not get stands last: Enter takes the first that nothing stops
      const stops = (item) => ((hints || {})[item.id] || []).some(([level]) => level === "stop");
      const found = [...known.get(key)].sort((a, b) => stops(a) - stops(b));
      if (found.length) list().replaceChildren(...found.map(hit));
      else { const li = document.createElement("li"); li.className = "quiet none"; li.textContent = form.dataset.none; list().replaceChildren(li); }
      show(true); if (found.length) move(0); else mark = -1;
      if (opens && found.length) { opens = false; pick(found[0].id); }
      opens = false;
    } catch { opens = false; }
  }
  async function learn() {
    if (hints) return;
    hints = {};
    try { const r = await fetch(form.dataset.hints, { headers: { "X-Part": "1" } }); if (r.ok) { hints = await r.json(); if (!list().hidden) find(); } else hints = null; } catch { hints = null; }
  }
  const pick = (id) => { show(false); box().value = ""; return send("add:" + id); };

  // ---- to the server and back: the whole sheet comes again, what is typed goes with it
  const fields = () => Object.fromEntries([...new FormData(form)].filter(([k]) => k !== "csrf" && k !== "q"));
  async function send(act, more = {}) {
    if (busy) return; busy = true; dirty = false; clearTimeout(keeping);
    form.setAttribute("aria-busy", "true");
    try {
      const r = await lb.post(form.action, { ...fields(), ...more, act }, { "X-Part": "1" });
      const next = r.headers.get("X-Go");
      if (next) { location.href = next; return; }
      const text = await r.text();
      if (r.status !== 200 && r.status !== 422) { lb.toast(text); return; }
      const held = document.createElement("template"); held.innerHTML = text;
      const fresh = held.content.querySelector("#orders");
      if (!fresh) { lb.toast(text); return; }
      form.replaceWith(fresh); form = fresh; listen();
      const first = $("[aria-invalid=true]", form), set = $(".set", form);
      // after an attempt to sign: to what is missing; else on with the box, so that the next search is never typed into a reason
      if (r.status === 422 && first) { first.focus(); first.scrollIntoView({ block: "nearest" }); }
      else if (set) { $("button.primary", set).focus(); set.scrollIntoView({ block: "nearest" }); }
      else box().focus();
    } catch { lb.toast(form.dataset.offline); }
    finally { busy = false; form.removeAttribute("aria-busy"); }
  }
  // what is typed into a line is kept, and its verdicts come again; the fields themselves stay as they are
  async function keep() {
    if (busy) return;
    dirty = false;
    try {
      const r = await lb.post(form.action, { ...fields(), act: "keep" }, { "X-Part": "1" });
      if (!r.ok) return;
      const held = document.createElement("template"); held.innerHTML = await r.text();
      for (const v of $$("[data-verdicts]", form)) { const fresh = held.content.querySelector(`[data-verdicts="${v.dataset.verdicts}"]`); if (fresh) v.innerHTML = fresh.innerHTML; }
      const said = held.content.querySelector("[data-saved-at]"); if (said) $("[data-saved-at]", form).textContent = said.textContent;
    } catch { $("[data-saved-at]", form).textContent = form.dataset.offline; }
  }

  function listen() {
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const act = e.submitter?.value || "sign";
      if (act === "find") return;
      send(act);
    });
    form.addEventListener("input", (e) => {
      if (e.target === box()) { opens = false; clearTimeout(timer); timer = setTimeout(find, 80); return; }
      if (e.target.closest(".set")) return;
      dirty = true; clearTimeout(keeping); keeping = setTimeout(keep, 600);
    });
    box().addEventListener("focus", learn);
    box().addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box()) show(false); }, 150));
    box().addEventListener("keydown", (e) => {
      if (e.isComposing) return;
      if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); if (!list().hidden) move(mark + (e.key === "ArrowDown" ? 1 : -1)); }
      else if (e.key === "Enter" && !e.ctrlKey && !e.metaKey) {
        e.preventDefault();
        if (!box().value.trim()) return;
        const shown = known.get(box().value.trim().toLowerCase());
        if (!list().hidden && mark >= 0 && shown) pick(items()[mark].dataset.id);
        else { clearTimeout(timer); opens = true; find(); }
      } else if (e.key === "Escape" && !list().hidden) { e.stopPropagation(); e.preventDefault(); show(false); }
    });
    for (const input of $$(".drafts input, .drafts select", form)) input.addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.ctrlKey && !e.metaKey && input.tagName === "INPUT") { e.preventDefault(); box().focus(); } });
    window.removeEventListener("pagehide", away); window.addEventListener("pagehide", away);
  }
  const away = () => { if (dirty && !busy && $$(".draft", form).length) lb.post(form.action, { ...fields(), act: "keep" }, { "X-Part": "1" }); };
  listen();

  // ---- keys: O opens the box, L brings the last prescription
  const opened = lb.keys.o;
  lb.keys.o = (e) => { opened?.(e); box().focus(); };
  if ($("#repeat")) lb.keys.l = (e) => { opened?.(e); send("repeat"); };
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && !sheet.hidden && !e.target.closest("form") && !$("dialog[open]")) { e.preventDefault(); e.stopImmediatePropagation(); form.requestSubmit(); }
  }, true);
  document.addEventListener("click", (e) => { if (e.target.closest('[data-panel="order"]')) setTimeout(() => box().focus()); });
  document.addEventListener("click", (e) => {
    const again = e.target.closest("[data-order-again]"); if (!again) return;
    e.preventDefault(); opened?.(e); send("again:" + again.dataset.orderAgain);
  });
  if (new URLSearchParams(location.search).get("panel") === "order" && !$("[aria-invalid]", form)) box().focus();
})();
