// The board over a door: asks for news, rings and speaks when a new number is called.
"use strict";
(() => {
  const board = document.querySelector("#board"); let mark = board.dataset.mark, called = now();
  function now() { return board.querySelector("[data-call]")?.dataset.call || ""; }
  function ring() {
    try {
      const audio = new AudioContext(), gain = audio.createGain(); gain.connect(audio.destination); gain.gain.value = .2;
      [660, 880].forEach((f, i) => { const o = audio.createOscillator(); o.frequency.value = f; o.connect(gain); o.start(audio.currentTime + i * .35); o.stop(audio.currentTime + i * .35 + .3); });
    } catch { /* a board without sound shows all the same */ }
  }
  function say(text) {
    if (!("speechSynthesis" in window)) return;
    const u = new SpeechSynthesisUtterance(text); u.lang = document.documentElement.lang === "vi" ? "vi-VN" : "en-GB"; u.rate = .9;
    setTimeout(() => speechSynthesis.speak(u), 900);
  }
  setInterval(async () => {
    try {
      const r = await fetch(board.dataset.board, { headers: { "X-Part": "1" } }); if (!r.ok) return;
      const next = r.headers.get("X-Mark"), html = await r.text();
      if (next === mark) { const c = board.querySelector("[data-clock]"), m = html.match(/data-clock>([^<]*)/); if (c && m) c.textContent = m[1]; return; }
      mark = next; board.innerHTML = html;
      const fresh = now().split(" ")[0]; if (fresh && now() !== called) { ring(); say(board.querySelector("[data-say]").dataset.say); } called = now();
    } catch { /* away: what stands there stays */ }
  }, 2500);
})();
