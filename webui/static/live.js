// Pieces of a page that bring themselves up to date (data-while: as long as they hold such an element), and how many candidates a ballot has chosen.
"use strict";
(() => {
  const cut = document.querySelector("[data-cut]");
  for (const piece of document.querySelectorAll("[data-live]")) {
    const seconds = Number(piece.dataset.every);
    if (!seconds) continue;
    const over = () => piece.dataset.while && !piece.querySelector(piece.dataset.while);
    let last = "",
      waiting = null;
    const look = async () => {
      clearTimeout(waiting);
      if (over()) return;
      try {
        const reply = await fetch(piece.dataset.live, { headers: { "X-Requested-With": "yixing" }, cache: "no-store" });
        if (reply.redirected || reply.status === 401) {
          location.reload();
          return;
        } // logged out meanwhile
        if (!reply.ok) throw new Error(reply.status);
        const text = await reply.text();
        if (cut) cut.hidden = true;
        if (text !== last && !piece.contains(document.activeElement)) {
          piece.innerHTML = text;
          last = text;
        }
      } catch {
        if (cut) cut.hidden = false;
      }
      waiting = document.hidden || over() ? null : setTimeout(look, seconds * 1000 * (0.9 + Math.random() / 5));
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) look();
    }); // a phone in a pocket asks nothing
    look();
  }

  for (const form of document.querySelectorAll("[data-elect]")) {
    const most = Number(form.dataset.elect),
      sign = form.querySelector("[data-chosen]");
    const boxes = [...form.querySelectorAll("[name=choices]")],
      nobody = form.querySelector("[name=abstain]");
    const tell = (event) => {
      if (event && event.target === nobody && nobody.checked) for (const box of boxes) box.checked = false;
      if (event && event.target !== nobody && event.target.checked) nobody.checked = false;
      const n = boxes.filter((box) => box.checked).length;
      const words = n > most ? sign.dataset.over : nobody.checked ? sign.dataset.none : sign.dataset.chosen;
      sign.textContent = words
        .replace("{n}", n)
        .replace("{left}", most - n)
        .replace("{most}", most);
      sign.classList.toggle("text-danger", n > most);
    };
    form.addEventListener("change", tell);
    tell();
  }
})();
