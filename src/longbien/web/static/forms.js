// A form that is being filled: kept as it is typed, conditions and calculated items from the server, repeats, phrases, copied marks.
"use strict";
(() => {
  const form = $("#fsheet"); if (!form) return;
  const key = `form ${document.body.dataset.user || ""} ${location.pathname} ${form.dataset.formKey}`;
  const kept = $("[data-kept]", form), moved = $("[data-moved]", form);
  const skip = new Set(["csrf", "act", "more", "less", "keep"]);
  const pairs = () => [...new FormData(form)].filter(([k]) => !skip.has(k));
  let timer, stopped = false, sent = false, asked = 0, dirty = false;
  $$("[data-noscript]", form).forEach((b) => { b.hidden = true; });
  $$(".phrases", form).forEach((d) => { d.hidden = false; });

  // what this machine has and the server has not (the connection went away): put back
  // (`sent`: it went to the server as a whole, by a button)
  const hold = (more) => lb.store(key, { once: form.elements.once.value, pairs: pairs(), ...more });
  const mine = lb.store(key);
  if (mine?.pairs && !mine.sent) { restore(mine.pairs); dirty = true; later(50); }
  else lb.store(key, null);
  function restore(list) {
    const by = new Map(); for (const [k, v] of list) { if (["once", "page", "amend"].includes(k)) continue; by.has(k) ? by.get(k).push(v) : by.set(k, [v]); }
    for (const el of form.elements) {
      if (!el.name || skip.has(el.name) || ["once", "page", "amend"].includes(el.name)) continue;
      const values = by.get(el.name);
      if (el.type === "radio" || el.type === "checkbox") { el.checked = !!values && values.includes(el.value); }
      else if (el.type !== "hidden" && values) { el.value = values.shift() ?? ""; }
    }
  }

  form.addEventListener("input", (e) => {
    if (e.target.closest("[data-phrase]")) return;
    dirty = true; grow(e.target); hold(); later(e.target.type === "radio" || e.target.type === "checkbox" ? 0 : 500);
  });
  form.addEventListener("change", () => later(0));
  function later(ms) { clearTimeout(timer); timer = setTimeout(() => keep(), ms); }
  // an item that may come several times: always one empty line more
  function grow(el) {
    if (!el.matches?.("input.input") || !el.value) return;
    const q = el.closest("[data-field]"); if (!q) return;
    const all = $$(`input.input[name="${CSS.escape(el.name)}"]`, q);
    if (all.length < 2 || all[all.length - 1] !== el || el.dataset.terms || all.length > 28) return;
    const more = el.cloneNode(); more.value = ""; more.id = `${el.id}-${all.length}`; el.after(more);
  }

  async function keep(act) {
    if ((stopped && act !== "here") || sent || !dirty) return;
    const body = pairs(), n = ++asked; if (act) body.push(["act", act]);
    try {
      const r = await lb.post(form.dataset.draft, body, { "X-Part": "1" });
      if (r.status === 409) { stopped = true; conflict((await r.json()).moved); return; }
      if (r.status === 401) { kept.textContent = await r.text(); return; }
      if (!r.ok) throw new Error(r.status);
      const live = await r.json(); if (n !== asked) return;
      if (JSON.stringify(body) === JSON.stringify(pairs())) lb.store(key, null);
      kept.textContent = live.saved; const d = $("[data-discard]", form); if (d) d.hidden = false;
      show(live);
    } catch { kept.textContent = form.dataset.offline; setTimeout(() => { if (lb.store(key) && !sent && !stopped) keep(); }, 5000); }
  }
  function show(live) {
    const off = new Set(live.off);
    for (const el of $$("[data-node]", form)) { const name = el.dataset.node.replace(/^nav /, ""); el.hidden = off.has(name); }
    for (const o of $$("[data-value]", form)) {
      const text = live.values[o.dataset.value] ?? ""; if (o.classList.contains("points")) o.hidden = !text;
      const next = text || o.dataset.empty || ""; if (o.textContent !== next) o.textContent = next;
    }
    for (const q of $$("[data-field]", form)) {
      const name = q.dataset.field, error = live.errors[name] || "", msg = $("[data-msg]", q);
      const typing = q.contains(document.activeElement);
      if (!(error && typing)) { msg.textContent = error; msg.hidden = !error; q.classList.toggle("wrong", !!error); $$("input, textarea, select", q).forEach((i) => error ? i.setAttribute("aria-invalid", "true") : i.removeAttribute("aria-invalid")); }
      const note = live.notes[name] || "", o = $("[data-note]", q);
      if (o) { o.textContent = note; o.hidden = !note; }
      if (!note) { q.classList.remove("copied", "drawn"); $("[data-keep]", q)?.remove(); }
    }
    const marks = $("[data-marks]", form); if (marks) { marks.textContent = live.marks; marks.closest(".banner").hidden = !live.marks; }
  }
  form.addEventListener("focusout", (e) => { if (e.target.closest("[data-field]") && dirty) later(0); });
  function conflict(text) {
    const p = document.createElement("p"), b = document.createElement("b"), load = document.createElement("a"), here = document.createElement("button");
    p.className = "banner crit"; b.textContent = text; load.className = "btn push"; load.href = location.href; load.textContent = form.dataset.load;
    here.className = "btn"; here.type = "button"; here.textContent = form.dataset.here;
    load.addEventListener("click", () => lb.store(key, null));
    here.addEventListener("click", async () => { stopped = false; moved.replaceChildren(); await keep("here"); });
    p.append(b, load, here); moved.replaceChildren(p); p.scrollIntoView({ block: "nearest" });
  }

  // copied and still true: the mark goes, the answer stays
  form.addEventListener("click", async (e) => {
    const k = e.target.closest("[data-keep]");
    if (k) {
      e.preventDefault();
      const body = pairs(); body.push(["keep", k.dataset.keep]);
      const r = await lb.post(form.dataset.draft, body, { "X-Part": "1" }).catch(() => null);
      if (r?.ok) { const q = k.closest("[data-field]"); show(await r.json()); q.querySelector("input, textarea, select")?.focus(); }
      return;
    }
    const p = e.target.closest("[data-phrase]");
    if (p) {
      const box = document.getElementById(p.closest("[data-into]").dataset.into);
      box.value = (box.value.trimEnd() ? box.value.trimEnd() + "\n" : "") + p.textContent; p.closest("details").open = false; box.focus();
      box.dispatchEvent(new Event("input", { bubbles: true })); return;
    }
    const j = e.target.closest("[data-jump]");
    if (j) { e.preventDefault(); const q = $(`[data-field="${CSS.escape(j.dataset.jump)}"]`, form); (q?.querySelector("input:not([type=hidden]), textarea, select") || q)?.focus(); q?.scrollIntoView({ block: "center" }); }
  });
  // Enter in a line goes to the next field: signing is Ctrl Enter, on purpose
  form.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); e.stopPropagation(); form.requestSubmit($("[data-sign]", form)); return; }
    if (e.key !== "Enter" || e.defaultPrevented || e.isComposing || !e.target.matches("input:not([type=checkbox])")) return;
    e.preventDefault();
    const all = $$("input:not([type=hidden]), textarea, select", form).filter((i) => i.offsetParent && (i.type !== "radio" || i.checked || i.id));
    all[all.indexOf(e.target) + 1]?.focus();
  });
  document.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && !e.target.closest("form")) { e.preventDefault(); e.stopImmediatePropagation(); form.requestSubmit($("[data-sign]", form)); }
  }, true);
  form.addEventListener("submit", (e) => {
    if (sent) { e.preventDefault(); return; }
    sent = true; clearTimeout(timer); hold({ sent: true });
    setTimeout(() => { sent = false; }, 8000);
  });
  window.addEventListener("pageshow", () => { sent = false; });
  window.addEventListener("pagehide", () => { if (dirty && !sent && lb.store(key)) keep(); });
  const first = $("[aria-invalid]", form); if (first) { first.focus(); first.scrollIntoView({ block: "center" }); }

  // where one is on the page
  const links = $$(".outline a", form);
  if (links.length && "IntersectionObserver" in window) {
    const watch = new IntersectionObserver((seen) => {
      for (const s of seen) if (s.isIntersecting) links.forEach((a) => a.hash === "#" + s.target.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current"));
    }, { root: $(".mid"), rootMargin: "-10% 0px -80% 0px" });
    $$(".part[id]", form).forEach((p) => watch.observe(p));
  }
})();
