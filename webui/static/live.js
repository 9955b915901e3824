// Pieces of a page that bring themselves up to date (data-while: as long as they hold such an element), a page that
// learns that it has become another one, and how many candidates a ballot has chosen.
"use strict";
(() => {
  const cut = document.querySelector("[data-cut]");
  for (const piece of document.querySelectorAll("[data-live]")) {
    let last = "";
    again(piece.dataset.live, Number(piece.dataset.every), async (reply) => {
      const text = await reply.text();
      if (text !== last && !piece.contains(document.activeElement)) {
        piece.innerHTML = text;
        last = text;
      }
      return !piece.dataset.while || piece.querySelector(piece.dataset.while) !== null;
    });
  }

  // Whoever has begun to write or to choose is told; everybody else simply sees the new page.
  for (const page of document.querySelectorAll("[data-watch]")) {
    let begun = false;
    addEventListener("input", () => (begun = true));
    again(page.dataset.watch, Number(page.dataset.every), async (reply) => {
      const { mark, voted } = await reply.json();
      for (const number of document.querySelectorAll("[data-voted]")) number.textContent = voted;
      if (mark === page.dataset.mark) return;
      if (begun || page.hasAttribute("data-kept")) page.hidden = false;
      else location.reload();
    });
  }

  // Ask every so many seconds, or as often as the reply says, until `take` says false. A phone in a pocket asks nothing.
  function again(address, seconds, take) {
    if (!seconds) return;
    let waiting = null,
      over = false;
    const look = async () => {
      clearTimeout(waiting);
      if (over) return;
      try {
        const reply = await fetch(address, { headers: { "X-Requested-With": "yixing" }, cache: "no-store" });
        if (reply.redirected || reply.status === 401) {
          location.reload();
          return;
        } // logged out meanwhile
        if (!reply.ok) throw new Error(reply.status);
        seconds = Number(reply.headers.get("X-Every")) || seconds;
        over = (await take(reply)) === false;
        if (cut) cut.hidden = true;
      } catch {
        if (cut) cut.hidden = false;
      }
      waiting = document.hidden || over ? null : setTimeout(look, seconds * 1000 * (0.9 + Math.random() / 5));
    };
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) look();
    });
    waiting = setTimeout(look, seconds * 1000);
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
