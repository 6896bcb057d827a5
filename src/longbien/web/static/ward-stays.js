// Pages of the ends of stays: Ctrl Enter does the main act, nothing typed is lost by walking away, printing.
(() => {
  const form = document.querySelector("#discharge, form[data-main]");
  document.querySelectorAll("[data-print]").forEach((b) => b.addEventListener("click", () => window.print()));
  if (!form) return;
  let touched = false;
  form.addEventListener("input", () => { touched = true; });
  form.addEventListener("submit", () => { touched = false; });
  window.addEventListener("beforeunload", (e) => { if (touched) e.preventDefault(); });
  form.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    if (e.ctrlKey || e.metaKey) { e.preventDefault(); e.stopPropagation(); const b = form.querySelector("#finish, button.primary"); if (b && !b.disabled) form.requestSubmit(b); }
    else if (e.target.matches("input:not([role=combobox])")) e.preventDefault();
  });
  // a diagnosis that was added as the main one counts as soon as it is chosen
  form.querySelectorAll("[data-terms]").forEach((box) => box.addEventListener("input", () => { const main = form.querySelector(`[name="dx.main"][value="${box.name}"]`); if (main && !form.querySelector('[name="dx.main"]:checked')) main.checked = true; }));
  const bad = form.querySelector("[role=alert]"); if (bad) bad.scrollIntoView({ block: "nearest" });
})();
