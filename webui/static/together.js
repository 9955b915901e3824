// How far an act over several tasks has come, while its page is being sent.
"use strict";
(() => {
  const form = document.querySelector("[data-together]");
  if (!form) return;
  const sign = form.querySelector(".yx-saved"),
    button = form.querySelector(".yx-bar .btn-primary");
  const ticks = [...form.querySelectorAll("[name=task]")],
    words = button.textContent.trim();
  const count = () => {
    const n = ticks.filter((tick) => tick.checked).length;
    button.textContent = `${words} ${n}`;
    button.disabled = n === 0;
  };
  form.addEventListener("change", count);
  count();
  form.addEventListener("submit", () => {
    setInterval(async () => {
      try {
        const reply = await fetch(form.dataset.together, { headers: { "X-Requested-With": "yixing" }, cache: "no-store" });
        const { done, all } = await reply.json();
        if (all) sign.textContent = form.dataset.progress.replace("{done}", done).replace("{all}", all);
      } catch {
        // the next look may tell
      }
    }, 1000);
  });
})();
