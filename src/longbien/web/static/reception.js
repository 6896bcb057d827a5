// The desk: a scanner types and ends with Enter; names are looked up while typing; keys choose rooms; the form is checked as it is filled.
"use strict";
(() => {
  const box = $("#q"), desk = $("#desk"), scan = $("#scan");
  let asked = 0, timer;
  async function show(form, extra) {
    const n = ++asked, body = new URLSearchParams(new FormData(form));
    for (const [k, v] of Object.entries(extra || {})) body.set(k, v);
    try {
      const r = await fetch(form.action, { method: "POST", headers: { "X-CSRF-Token": lb.csrf, "X-Part": "1" }, body });
      if (n !== asked) return;
      const go = r.headers.get("X-Go"); if (go) { location.href = decodeURI(go); return; }
      if (r.status === 401) { location.reload(); return; }
      desk.innerHTML = await r.text();
      wire(extra);
    } catch { lb.toast(document.documentElement.lang === "vi" ? "Mất kết nối. Thử lại." : "No connection. Try again.", 8000); }
  }
  function carried() {   // the cards that lie on the desk already go along with the next one
    const from = $("#desk input[name=citizen]"), other = $("#desk input[name=insurance]");
    return { ...(from ? { citizen: from.value } : {}), ...(other ? { insurance: other.value } : {}) };
  }
  function wire(extra) {
    const first = $("#desk [data-room='1']");
    if (extra && extra.typed) return;
    if (first) first.focus({ preventScroll: true }); else if (box) { box.focus(); }
  }
  if (scan && desk) {
    scan.addEventListener("submit", (e) => {
      e.preventDefault(); clearTimeout(timer);
      const q = box.value.trim(); if (!q) { const f = $("#desk [data-room='1']"); if (f) f.click(); return; }
      const card = q.includes("|") || q.endsWith("$");
      if (card) { sessionStorage.setItem("scanned", String(performance.timeOrigin + performance.now())); box.value = ""; }
      show(scan, { q, ...(card ? carried() : {}) }).then(() => { if (!card) $("#desk [data-room='1']")?.focus(); });
    });
    box.addEventListener("input", () => {
      clearTimeout(timer);
      const q = box.value; if (q.trim().length < 2 || q.includes("|")) return;
      timer = setTimeout(() => show(scan, { q, typed: "1" }), 180);
    });
    desk.addEventListener("submit", (e) => {
      const f = e.target;
      if (f.matches("[data-choose]")) { e.preventDefault(); if (!sessionStorage.getItem("scanned")) sessionStorage.setItem("scanned", String(performance.timeOrigin + performance.now())); show(f, { patient: e.submitter.value }); }
      else if (f.id === "receive") { e.preventDefault(); if (f.dataset.sent) return; f.dataset.sent = "1"; show(f, { room: e.submitter.value }).finally(() => { delete f.dataset.sent; }); }
    });
    const took = $("#took"), began = Number(sessionStorage.getItem("scanned"));
    if (took) {
      if (began) { const s = (performance.timeOrigin + performance.now() - began) / 1000; if (s < 600) { took.textContent = took.dataset.text.replace("%s", s.toFixed(1)); took.dataset.seconds = s.toFixed(2); took.hidden = false; } }
      sessionStorage.removeItem("scanned");
    }
    if (!box.value) box.focus();
  }
  // keys: a digit that stands alone chooses a room; a burst is a scanner and belongs into the box
  let held = "", wait;
  document.addEventListener("keydown", (e) => {
    if (!box || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || $("dialog[open]")) return;
    if (e.key === "F2") { const p = $("#print"); if (p) { e.preventDefault(); p.click(); } return; }
    if (lb.typing(e) || e.key.length !== 1) return;
    if (e.key === "/") { e.preventDefault(); e.stopImmediatePropagation(); box.focus(); box.select(); return; }
    if (e.key === " " || e.key === "?") return;
    e.preventDefault(); e.stopImmediatePropagation();   // whether it is a key or the first letter of a card shows a moment later
    held += e.key; clearTimeout(wait);
    if (held.length > 1) { box.value = held; held = ""; box.focus(); return; }
    wait = setTimeout(() => {
      const key = held.toLowerCase(); held = ""; if (!lb.keysOn()) return;
      if (/[1-9]/.test(key)) $(`[data-room='${key}']`)?.click(); else if (lb.keys[key]) lb.keys[key](e);
    }, 90);
  }, true);
  lb.keys.n = () => { if (scan) location.href = "/reception/register"; };

  // the registration form: what is wrong stands beside its field while it is typed, and who may be the same person beside the form
  const form = $("#register");
  if (form) {
    let t, seen = 0;
    for (const msg of $$(".msg[data-for]", form)) if (msg.textContent) msg.dataset.said = "1";   // what was sent and refused stays said until it is mended
    $("[aria-invalid]", form)?.focus();
    const check = async () => {
      const n = ++seen;
      try {
        const r = await fetch("/reception/register/check", { method: "POST", headers: { "X-CSRF-Token": lb.csrf, "X-Part": "1" }, body: new URLSearchParams(new FormData(form)) });
        if (!r.ok || n !== seen) return;
        const said = await r.json();
        for (const msg of $$(".msg[data-for]", form)) {
          const input = $("#" + msg.dataset.for), touched = msg.dataset.said || input && (input.dataset.touched || input.value), text = touched ? said.faults[msg.dataset.for] || "" : "";
          msg.textContent = text || (touched ? said.doubts[msg.dataset.for] || "" : ""); msg.classList.toggle("doubt", !text && Boolean(msg.textContent));
          input?.closest(".field")?.classList.toggle("wrong", Boolean(text)); input?.toggleAttribute("aria-invalid", Boolean(text));
        }
        $("#alike").innerHTML = said.alike;
      } catch { /* away: the form is checked again when it is sent */ }
    };
    form.addEventListener("focusout", (e) => { if (e.target.id) { e.target.dataset.touched = "1"; clearTimeout(t); t = setTimeout(check, 50); } });
    form.addEventListener("input", (e) => {
      clearTimeout(t); t = setTimeout(check, 350);
      if (e.target.id === "ward") wards(e.target.value);
    });
    form.addEventListener("submit", (e) => { if (form.dataset.sent) e.preventDefault(); form.dataset.sent = "1"; setTimeout(() => { delete form.dataset.sent; }, 4000); });
    $$("[data-ward]", form).forEach((b) => b.addEventListener("click", () => { $("#ward").value = b.dataset.ward; $("#ward").dataset.touched = "1"; check(); $("#telephone")?.focus(); }));
    let w = 0;
    const wards = async (q) => {
      const n = ++w; if (q.trim().length < 2) return;
      try {
        const r = await fetch("/reception/wards?" + new URLSearchParams({ q }));
        if (!r.ok || n !== w) return;
        $("#wards").replaceChildren(...(await r.json()).wards.map((name) => Object.assign(document.createElement("option"), { value: name })));
      } catch { /* away */ }
    };
    check();
  }

  // a room's queue keeps itself up to date; its keys do what the buttons say
  const live = $("[data-live]");
  if (live) {
    let mark = live.dataset.mark;
    setInterval(async () => {
      if (document.hidden || live.contains(document.activeElement) && document.activeElement.matches("select")) return;
      try {
        const r = await fetch(live.dataset.live, { headers: { "X-Part": "1", "X-By-Itself": "1" } });
        if (!r.ok) return;
        const next = r.headers.get("X-Mark"); if (next === mark) return;
        mark = next; live.innerHTML = await r.text();
      } catch { /* away: what stands there stays */ }
    }, Number(live.dataset.every || 4000));
    document.addEventListener("keydown", (e) => {
      if (lb.typing(e) || e.ctrlKey || e.metaKey || e.altKey || e.key.length !== 1) return;
      const b = $(`[data-key='${e.key.toLowerCase()}']`, live); if (b && lb.keysOn()) { e.preventDefault(); b.click(); }
    });
  }
})();
