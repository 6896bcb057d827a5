// The doctor's list keeps itself up to date: something changed, so the rows are asked for again; the mark stays where it was.
"use strict";
(() => {
  const main = $("main[data-live]"), said = $("#list-said");
  let wait, live;
  async function refresh() {
    try {
      const u = new URL(location.href); u.searchParams.set("part", "1"); u.searchParams.delete("done");
      const r = await fetch(u, { headers: { "X-By-Itself": "1", "X-Part": "1" } });
      if (r.status === 401) { location.reload(); return; }
      if (!r.ok) return;
      const at = $("#worklist tr[aria-selected=true]")?.dataset.href;
      $("#clinic-list").innerHTML = await r.text();
      const row = at && $(`#worklist tr[data-href="${CSS.escape(at)}"]`); if (row) row.setAttribute("aria-selected", "true");
      const first = $("#worklist [data-next]"), b = $("#call-next"); if (b) b.disabled = !first && !$("#worklist tr form");
    } catch { lb.toast(main.dataset.offline); }
  }
  function listen() {
    live = new EventSource(main.dataset.live);
    live.addEventListener("open", () => { main.dataset.listening = "1"; });
    live.addEventListener("changed", () => { clearTimeout(wait); wait = setTimeout(refresh, 150); });
    live.addEventListener("error", () => { delete main.dataset.listening; if (live.readyState === EventSource.CLOSED) setTimeout(listen, 5000); });
  }
  listen();
  window.addEventListener("pagehide", () => live.close());
  lb.keys.c = () => { const b = $("#call-next"); if (b && !b.disabled) b.form.requestSubmit(b); };
})();
