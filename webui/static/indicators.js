// Charts of the indicators; the table below each says the same.
"use strict";
(() => {
  const draw = (canvas) => {
    const told = JSON.parse(canvas.dataset.chart),
      box = canvas.parentElement,
      style = getComputedStyle(document.documentElement);
    const ink = (name) => {
      box.style.color = `var(${name})`; // light-dark() has to be resolved first
      return getComputedStyle(box).color;
    };
    const fills = [ink("--yx-red"), ink("--yx-line-strong")],
      text = ink("--yx-ink"),
      line = ink("--yx-line");
    box.hidden = false;
    box.style.height = `${told.labels.length * (told.sets.length * 14 + 14) + 70}px`;
    const unit = told.share ? "%" : "";
    new Chart(canvas, {
      type: "bar",
      data: {
        labels: told.labels,
        datasets: told.sets.map(({ label, tenths }, n) => ({
          label,
          data: tenths.map((each) => (each === null ? null : each / 10)),
          backgroundColor: fills[n],
          maxBarThickness: 14,
        })),
      },
      options: {
        indexAxis: "y",
        animation: false,
        maintainAspectRatio: false,
        color: text,
        font: { family: style.getPropertyValue("--yx-fonts") },
        scales: {
          x: {
            min: 0,
            max: told.share ? 100 : undefined,
            ticks: { color: text, precision: told.whole ? 0 : undefined, callback: (n) => n + unit },
            grid: { color: line },
          },
          y: { ticks: { color: text, autoSkip: false }, grid: { display: false } },
        },
        plugins: {
          legend: { display: told.sets.length > 1, labels: { color: text, boxWidth: 14 } },
          tooltip: { callbacks: { label: ({ dataset, formattedValue }) => `${dataset.label}: ${formattedValue}${unit}` } },
        },
      },
    });
  };
  if (window.Chart) for (const canvas of document.querySelectorAll("[data-chart]")) draw(canvas);
})();
