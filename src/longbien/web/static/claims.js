// A claim that is on its way: looks again every few seconds until there is an answer. Without script: reload.
(() => {
  const main = document.querySelector("main[data-waiting]");
  if (!main) return;
  const look = async () => {
    if (document.hidden || main.querySelector("form#edit")) return again();
    try {
      const answer = await fetch(location.pathname, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("main");
        if (fresh && !fresh.hasAttribute("data-waiting")) return location.reload();
      }
    } catch { /* the next look comes anyway */ }
    again();
  };
  const again = () => setTimeout(look, 3000);
  again();
})();
