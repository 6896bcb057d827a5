// Pages of the ends of stays: Ctrl Enter does the main act, nothing typed is lost by walking away, printing.
(() => {
  const form = document.querySelector("#discharge, form[data-main]");
  document.querySelectorAll("[data-print]").forEach((b) => b.addEventListener("click", () => window.print()));
  if (!form) return;
  // what was typed and not kept is kept on the way out, field by field: nobody is asked, nothing is lost
  const touched = new Set();
  const touch = (e) => { if (e.target.name) touched.add(e.target.name); };
  form.addEventListener("input", touch); form.addEventListener("change", touch);
  form.addEventListener("submit", () => touched.clear());
  const leave = () => {
    if (form.id !== "discharge" || !touched.size) return;
    const all = new FormData(form), body = new URLSearchParams({ csrf: all.get("csrf"), stay: all.get("stay"), act: "merge" });
    for (const name of touched) body.set(name, all.get(name) ?? "");
    touched.clear();
    fetch(form.action, { method: "POST", body, keepalive: true, headers: { "X-Part": "1" } });
  };
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") leave(); });
  form.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    if (e.ctrlKey || e.metaKey) { e.preventDefault(); e.stopPropagation(); const b = form.querySelector("#finish, button.primary"); if (b && !b.disabled) form.requestSubmit(b); }
    else if (e.target.matches("input:not([role=combobox])")) e.preventDefault();
  });
  // a diagnosis that was added as the main one counts as soon as it is chosen
  form.querySelectorAll("[data-terms]").forEach((box) => box.addEventListener("input", () => { const main = form.querySelector(`[name="dx.main"][value="${box.name}"]`); if (main && !form.querySelector('[name="dx.main"]:checked')) main.checked = true; }));
  const bad = form.querySelector("[role=alert]"); if (bad) bad.scrollIntoView({ block: "nearest" });
})();
