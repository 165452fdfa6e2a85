"use strict";
(() => {
  const slider = bench.get("weigh");
  if (!slider) return;
  const leanings = ["adverse events weigh nothing", "as stated", "adverse events weigh ten times as much"];
  slider.addEventListener("input", () => {
    const leaning = leanings[slider.value];
    bench.get("weight").textContent = leaning;
    for (const chance of document.querySelectorAll("[data-leaning]")) chance.hidden = chance.dataset.leaning !== leaning;
  });
})();
