// A patient draws a signature; all papers are ticked at once. Without script papers are still signed, and patients use a code.
"use strict";
(() => {
  const all = document.getElementById("all");
  all?.addEventListener("change", () => { for (const b of document.querySelectorAll("input[name=paper]")) b.checked = all.checked; });
  const pad = document.getElementById("pad"), form = document.getElementById("pad-form"), kept = document.getElementById("strokes");
  if (!pad) return;
  const pen = pad.getContext("2d");
  let strokes = [], now = null;
  pen.strokeStyle = "#1a2b6d"; pen.lineWidth = 4; pen.lineCap = pen.lineJoin = "round";
  const at = (e) => { const r = pad.getBoundingClientRect(); return [Math.round((e.clientX - r.left) * pad.width / r.width * 10) / 10, Math.round((e.clientY - r.top) * pad.height / r.height * 10) / 10].map((v, i) => Math.min(Math.max(v, 0), i ? pad.height : pad.width)); };
  pad.addEventListener("pointerdown", (e) => { pad.setPointerCapture(e.pointerId); now = [at(e)]; strokes.push(now); pen.beginPath(); pen.moveTo(...now[0]); e.preventDefault(); });
  pad.addEventListener("pointermove", (e) => { if (!now) return; const p = at(e); now.push(p); pen.lineTo(...p); pen.stroke(); });
  const up = () => { now = null; };
  pad.addEventListener("pointerup", up); pad.addEventListener("pointercancel", up);
  document.getElementById("pad-clear").addEventListener("click", () => { strokes = []; now = null; pen.clearRect(0, 0, pad.width, pad.height); });
  form.addEventListener("submit", () => { kept.value = JSON.stringify(strokes); });
})();
