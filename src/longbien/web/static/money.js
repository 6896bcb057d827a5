// Money: the page sees the money come, keys of the desk, change, the sum of a count. Everything here also works without script.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const digits = (t) => Number(String(t || "").replace(/[^0-9]/g, "") || 0);
  const vi = document.documentElement.lang === "vi";
  const money = (n) => n.toLocaleString(vi ? "vi-VN" : "en-GB") + "\u00a0đ";
  // news of this bill's patient: the page asks for itself again and puts in what is new
  const PARTS = ["#bill", "#code", "aside", ".ready"];
  async function fresh(only) {
    try {
      const r = await fetch(location.href, { headers: { "X-By-Itself": "1" } });
      if (!r.ok) return;
      const made = new DOMParser().parseFromString(await r.text(), "text/html");
      const settled = made.querySelector("#settled");   // looked for before its part moves over
      if (only === true && !settled) return;
      const busy = document.activeElement && document.activeElement.matches("#bill input:not([type=hidden])");
      for (const s of PARTS) {
        const old = document.querySelector(s), now = made.querySelector(s);
        if (old && now && !(s === "#bill" && busy && !settled)) old.replaceWith(now);
      }
      wire();
      if (settled) { document.documentElement.dataset.paid = "1"; source && source.close(); }
    } catch { /* away: the next news asks again */ }
  }
  const at = document.querySelector("[data-live]");
  let source, soon;
  if (at && window.EventSource) {
    source = new EventSource(at.dataset.live);
    source.addEventListener("changed", (e) => { if (/^(Invoice|PaymentNotice)?\//.test(e.data)) { clearTimeout(soon); soon = setTimeout(fresh, 60); } });
    source.addEventListener("open", () => { document.documentElement.dataset.listening = "1"; fresh(true); });   // what came before anybody listened
  }
  function open(id) {
    const f = document.getElementById(id); if (!f) return;
    document.querySelectorAll(".way").forEach((w) => w.classList.toggle("open", w === f));
    const first = f.querySelector("input:not([type=hidden])"); if (first) { first.focus(); first.select && first.select(); }
  }
  function wire() {
    document.querySelectorAll("[data-open]").forEach((b) => { b.onclick = () => open(b.dataset.open); });
    document.querySelectorAll("[data-given]").forEach((g) => {
      const f = g.closest("form"), out = f.querySelector("[data-change]"), amount = f.querySelector("[name=amount]");
      const say = () => { const back = digits(g.value) - digits(amount.value); out.hidden = !(digits(g.value) && back >= 0); out.textContent = out.dataset.text.replace("…", money(back)); };
      g.oninput = amount.oninput = say;
    });
  }
  wire();
  document.addEventListener("keydown", (e) => {
    const key = { F2: "#print", F4: "#slip" }[e.key];
    if (key) { const a = document.querySelector(key); if (a) { e.preventDefault(); a.click(); } }
    if (e.key === "F6") { e.preventDefault(); open("cash"); }
    if (e.key === "F7") { e.preventDefault(); open("card"); }
  });
  document.addEventListener("keydown", (e) => { if (e.key === "/" && !lb.typing(e)) { const q = document.querySelector("#q"); if (q) { e.preventDefault(); q.focus(); q.select(); } } });
  // one press, one booking
  document.addEventListener("submit", (e) => { if (e.target.matches(".way, #deposit")) { if (e.target.dataset.sent) e.preventDefault(); e.target.dataset.sent = "1"; } });
  // the count
  const counted = document.querySelector("[data-counted]");
  if (counted) {
    const sum = () => { counted.textContent = money([...document.querySelectorAll("[data-note]")].reduce((n, i) => n + digits(i.value) * Number(i.dataset.note), 0)); };
    document.querySelectorAll("[data-note]").forEach((i) => i.addEventListener("input", sum)); sum();
  }
  // a statement file becomes the text of the form
  const file = document.querySelector("[data-into]");
  if (file) file.addEventListener("change", async () => { if (file.files[0]) document.querySelector("[data-file]").value = await file.files[0].text(); });
})();
