// The visit and the prescription: kept as typed, acts answered with the form as it is then, boxes that find diagnoses and drugs.
"use strict";
(() => {
  const form = $("#visit");
  // keys of buttons outside fields: data-key
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.isComposing || $("dialog[open]")) return;
    if (form && e.key === "Enter" && (e.ctrlKey || e.metaKey) && !e.target.closest("#side")) {
      e.preventDefault(); e.stopImmediatePropagation();   // the order box beside it has the same key
      submit(e.shiftKey ? $("#sign-next") || $("#sign") : $("#sign"));
      return;
    }
    if (lb.typing(e) || e.ctrlKey || e.metaKey || e.altKey || e.shiftKey || !lb.keysOn()) return;
    const b = e.key.length === 1 && $(`#middle [data-key="${CSS.escape(e.key.toLowerCase())}"]`);
    if (b && !b.disabled) { e.preventDefault(); e.stopImmediatePropagation(); b.form === form ? submit(b) : b.click(); }
  }, true);
  if (!form) return;

  const box = $("#vfields"), patient = $(".chart").dataset.patient, visit = form.elements.encounter.value;
  const key = `visit ${document.body.dataset.user || ""} ${patient} ${visit} ${form.dataset.page}`;
  const label = (text) => { for (const s of $$("[data-saved-at]", form)) s.textContent = text; };
  const pairs = () => [...new FormData(form)].filter(([k]) => k !== "csrf" && k !== "once");
  let timer, sending = false, dirty = false, busy = false;

  // ---- what was typed while the server was away comes back from this machine
  const kept = lb.store(key);
  if (kept && !$("[role=alert]", box)) {
    let back = false;
    for (const [k, v] of kept) { const el = form.elements[k]; if (el && el.tagName === "TEXTAREA" && !el.value && v) { el.value = v; back = true; } }
    if (back) later();
  }

  // ---- drafts
  function later(ms = 350) { lb.store(key, pairs()); dirty = true; clearTimeout(timer); timer = setTimeout(save, ms); }
  async function save(force) {
    if (sending || busy) { dirty = true; return; }
    sending = true; dirty = false;
    const body = new URLSearchParams(pairs()); if (force === true) body.set("force", "1");
    try {
      const r = await lb.post(form.dataset.draft, body, { "X-Part": "1" });
      if (r.status === 401) { sending = false; lb.again(() => save(force)); return; }
      if (r.status === 409) { elsewhere(await r.json()); return; }
      if (!r.ok) throw new Error(r.status);
      const got = await r.json();
      if (form.elements.seen) form.elements.seen.value = got.at;
      label(got.said); show(got); if (!dirty) lb.store(key, null);
    } catch { label($(".chart").dataset.offline); timer = setTimeout(save, 5000); }
    finally { sending = false; if (dirty) { clearTimeout(timer); timer = setTimeout(save, 200); } }
  }
  form.lbSave = () => save();
  window.addEventListener("pagehide", () => { if (dirty) save(); });
  function elsewhere(got) {
    let p = $("#elsewhere");
    if (!p) {
      p = document.createElement("p"); p.id = "elsewhere"; p.className = "banner warn"; p.setAttribute("role", "alert");
      const said = document.createElement("span"), a = document.createElement("button"), b = document.createElement("button");
      for (const x of [a, b]) { x.type = "button"; x.className = "btn"; }
      a.textContent = form.dataset.taken; b.textContent = form.dataset.mine;
      a.addEventListener("click", () => { lb.store(key, null); dirty = false; location.reload(); });
      b.addEventListener("click", () => { p.remove(); save(true); });
      p.append(said, a, b); box.before(p);
    }
    p.firstChild.textContent = got.said; p.scrollIntoView({ block: "nearest" });
  }

  // ---- what is to be said stands where it belongs
  const MARK = { stop: ["crit", "✕"], warn: ["warn", "!"], note: ["quiet", "·"] };
  function show(got) {
    for (const ul of $$("ul[data-said]", box)) {
      const of = got.says.filter((s) => s.about === ul.dataset.said);
      ul.replaceChildren(...of.map((s) => {
        const li = document.createElement("li"); li.className = MARK[s.level][0]; li.append(`${MARK[s.level][1]} ${s.text} `);
        for (const c of s.offer) { const b = document.createElement("button"); b.className = "btn plain tiny code"; b.name = "act"; b.value = "dx-take." + c; b.textContent = "+ " + c; li.append(b, " "); }
        if (s.rule) { const r = document.createElement("span"); r.className = "quiet small"; r.textContent = s.rule; li.append(r); }
        return li;
      }));
    }
    const f = $('[data-said="followup"]', box), says = got.says.find((s) => s.about === "followup");
    if (f) { f.parentElement.classList.toggle("wrong", Boolean(says)); if (says) f.textContent = says.text; else if (f.classList) f.textContent = f.parentElement.classList.contains("wrong") ? "" : f.textContent; }
    got.lines.forEach((l, i) => {
      const s = $(`[data-sig="${i}"]`, box); if (s) s.textContent = [l.sig, l.quantity].filter(Boolean).join(" · ");
      const q = form.elements[`rx.${i}.quantity`]; if (q) q.placeholder = l.quantity;
    });
    for (const s of $$("[data-stopped]", form)) s.hidden = !got.says.some((x) => x.level === "stop");
  }

  // ---- marks of what was copied and is as it was; fields grow with their text
  function grow(t) { t.style.blockSize = "auto"; t.style.blockSize = Math.min(t.scrollHeight + 2, 480) + "px"; }
  function dress() {
    for (const t of $$("[data-grow]", box)) if (t.value) grow(t);
  }
  form.addEventListener("input", (e) => {
    const t = e.target;
    if (t.closest(".combo") && !t.name.startsWith("rx.") && t.getAttribute("role") === "combobox") return;
    if (t.dataset.grow !== undefined) { grow(t); phrase(t); }
    if (t.dataset.before !== undefined) t.parentElement.classList.toggle("copied", t.value.trim() === t.dataset.before.trim());
    later();
  });
  function phrase(t) {
    const all = JSON.parse($("#phrases").dataset.phrases || "{}"), at = t.selectionStart, m = /(^|\s)\.([\p{L}\d_]{1,30})(\s)$/u.exec(t.value.slice(0, at));
    if (!m || !(m[2] in all)) return;
    const from = at - m[0].length + m[1].length, text = all[m[2]] + (m[3] === "\n" ? "\n" : " ");
    t.setRangeText(text, from, at, "end"); grow(t);
  }

  // ---- acts and the signature
  form.addEventListener("submit", (e) => { e.preventDefault(); submit(e.submitter); });
  form.addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.ctrlKey && !e.metaKey && e.target.tagName === "INPUT") e.preventDefault(); });
  async function submit(button, extra = {}) {
    if (busy || !button && !extra.act) return;
    busy = true; clearTimeout(timer); dirty = false;
    for (const m of $$("details[data-menu]", form)) m.open = false;
    const act = extra.act || (button.name === "act" ? button.value : "");
    const body = new URLSearchParams(pairs()); body.set("once", form.elements.once.value);
    for (const [k, v] of Object.entries(extra)) body.set(k, v);
    if (button?.name) body.set(button.name, button.value);
    lb.store(key, pairs());
    try {
      const r = await lb.post(act ? form.dataset.act : form.action, body, { "X-Part": "1" });
      if (r.status === 401) { busy = false; lb.again(() => submit(button, extra)); return; }
      const next = r.headers.get("X-Go");
      if (next) { lb.store(key, null); location.href = next; return; }
      const said = await r.text();
      if (r.ok || r.status === 422 || r.status === 409) {
        lb.store(key, null); fill(said, act, r.ok);
      } else complain(said);
    } catch { label($(".chart").dataset.offline); dirty = true; timer = setTimeout(save, 5000); }
    finally { busy = false; }
  }
  function complain(said) {
    let p = $(".banner.crit", box);
    if (!p) { p = document.createElement("p"); p.className = "banner crit"; p.setAttribute("role", "alert"); box.prepend(p); }
    p.textContent = said; p.scrollIntoView({ block: "nearest" });
  }
  function wrong() {   // to the first that stops, else to what is said above
    const about = $(".says .crit", box)?.closest("[data-said]").dataset.said || "";
    const of = (what) => form.elements[`${about}.${what}`];
    const field = about.startsWith("rx.") ? (of("note").value && !of("s").value ? of("quantity") : of("s")) : about.startsWith("dx") ? $("#v-dx") : $(".field.wrong input", box);
    if (field) field.focus(); else $("#main").scrollTop = 0;
    if (field) field.scrollIntoView({ block: "center" });
  }
  function fill(html, act, ok) {
    const at = document.activeElement?.id, top = $("#main").scrollTop;
    box.innerHTML = html; dress(); boxes();
    for (const s of $$("[data-stopped]", form)) s.hidden = !$(".says .crit", box);
    if (!ok) { wrong(); return; }
    $("#main").scrollTop = top;
    const verb = (act || "").split(".")[0];
    if (verb === "rx-add") { const rows = $$("tr.line", box); $("input:not([type=hidden]):not(.note)", rows[rows.length - 1] || box)?.select(); }
    else if (verb === "dx-take" && at === "v-dx") $("#v-dx")?.focus();
    else if (at && document.getElementById(at)) document.getElementById(at).focus();
    const f = form.elements.seen?.value; if (f) label($("[data-saved-at]", form)?.textContent || "");
  }

  // ---- boxes that find: diagnoses, drugs
  function boxes() { for (const b of $$("[data-find]", box)) combo(b); }
  function combo(input) {
    const ul = document.getElementById(input.getAttribute("aria-controls"));
    let wait, mark = -1, asked = 0, enter = false;
    const items = () => $$("li", ul);
    const open = (on) => { ul.hidden = !on; input.setAttribute("aria-expanded", String(on)); if (!on) { input.removeAttribute("aria-activedescendant"); mark = -1; } };
    const move = (i) => { const all = items(); if (!all.length) return; mark = (i + all.length) % all.length; all.forEach((li, n) => li.setAttribute("aria-selected", String(n === mark))); input.setAttribute("aria-activedescendant", all[mark].id); all[mark].scrollIntoView({ block: "nearest" }); };
    const pick = (li) => {
      open(false); input.value = "";
      if (input.dataset.pick === "rx-add") submit(null, { act: "rx-add", rx_code: li.dataset.code });
      else submit(null, { act: `${input.dataset.pick}.${li.dataset.code}` });
    };
    async function ask() {
      const n = ++asked, q = input.value.trim();
      if (!q) { open(false); return; }
      try {
        const r = await fetch(input.dataset.find + encodeURIComponent(q));
        if (r.status === 401) { lb.again(ask); return; }
        if (n !== asked || !r.ok) return;
        const found = (await r.json())[input.dataset.findKey] || [];
        ul.replaceChildren(...found.map((t, i) => {
          const li = document.createElement("li"), a = document.createElement("span"), b = document.createElement("span");
          li.role = "option"; li.id = `${ul.id}-${i}`; li.dataset.code = (input.dataset.by && t[input.dataset.by]) || t.key || t.code; a.textContent = t.name; b.className = "quiet small"; b.textContent = t.dose || t.code || ""; if (!t.dose) b.className = "code quiet";
          li.append(a, b); li.addEventListener("mousedown", (e) => { e.preventDefault(); pick(li); }); return li;
        }));
        open(found.length > 0); if (found.length) { move(0); if (enter) { enter = false; pick(items()[0]); } }
      } catch { open(false); }
    }
    input.addEventListener("input", () => { enter = false; clearTimeout(wait); wait = setTimeout(ask, 90); });
    input.addEventListener("keydown", (e) => {
      if (e.isComposing) return;
      if (e.key === "Enter" && !e.ctrlKey && !e.metaKey) { e.preventDefault(); if (!ul.hidden && mark >= 0) pick(items()[mark]); else if (input.value.trim()) { enter = true; clearTimeout(wait); ask(); } return; }
      if (ul.hidden) return;
      if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); move(mark + (e.key === "ArrowDown" ? 1 : -1)); }
      else if (e.key === "Escape") { e.stopPropagation(); e.preventDefault(); open(false); }
    });
    input.addEventListener("blur", () => setTimeout(() => open(false), 150));
  }
  dress(); boxes();
  document.addEventListener("click", (e) => { for (const m of $$("details[data-menu][open]", form)) if (!m.contains(e.target)) m.open = false; });
  for (const s of $$("[data-stopped]", form)) s.hidden = !$(".says .crit", box);
  form.dataset.ready = "1";
})();
