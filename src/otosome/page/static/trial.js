"use strict";
// A dose that was sought: regimens by their gain and particles; a preference moves the choice, a point opens in Ear.
(() => {
  const { make, api, post, say, get } = bench;
  const holder = get("front");
  if (!holder) return;
  const { rows, unit } = JSON.parse(get("regimens").textContent), { result } = holder.dataset;
  const svg = get("front-plot"), SVG = "http://www.w3.org/2000/svg", LEFT = 62, RIGHT = 22, TOP = 34, HIGH = 400, BOTTOM = 52;
  const adverse_events = get("adverse_events"), tenfold = get("tenfold"), table = get("front-table").tBodies[0];
  let shown = null, chosen = null, asked = 0;

  const draw = (tag, attributes, text = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };
  const digits = [..."⁰¹²³⁴⁵⁶⁷⁸⁹"];
  const power = (n) => `10${[...String(n)].map((c) => digits[c]).join("")}`;
  const plain = (x) => Number(x.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 3 }).replace("-", "−");
  const amount = (x) => x.toExponential(1).replace(/\.0?e\+(\d+)|e\+(\d+)/, (_, a, b) => `×${power(Number(a ?? b))}`);
  const words = (text) => text.replace(/([\d.]+)e\+(\d+)/g, (_, a, b) => `${a}×${power(Number(b))}`);
  const weights = () => ({ adverse_events: Number(adverse_events?.value ?? 1), tenfold: Number(tenfold.value) });
  const gain = (row) => row.benefit - weights().adverse_events * row.adverse_events;
  const spread = (row) => { const moved = (1 - weights().adverse_events) * row.adverse_events; return [row.low + moved, row.high + moved]; };

  // The server weighs, by the same function as the library; a later answer is never overtaken by an earlier.
  async function weigh() {
    const { adverse_events: h, tenfold: t } = weights(), mine = ++asked;
    if (adverse_events) get("adverse-events-words").textContent = h === 1 ? "as stated" : h === 0 ? "nothing" : `${h} times as stated`;
    get("tenfold-words").textContent = t === 0 ? "nothing more" : `${plain(t)} ${unit} more`;
    try {
      const answer = await api(`trial/front?result=${result}&adverse_events=${h}&tenfold=${t}`);
      if (mine !== asked) return;
      shown = answer;
      paint();
      list();
      holder.dataset.best = String(answer.best);
    } catch (error) { say(error.message); }
  }

  function paint() {
    const wide = Math.max(300, svg.getBoundingClientRect().width || 700);
    svg.querySelectorAll(":scope > :not(title)").forEach((part) => part.remove());
    svg.setAttribute("viewBox", `0 0 ${wide} ${HIGH}`);
    svg.setAttribute("height", HIGH);
    const logs = rows.map((row) => Math.log10(row.total)), low = Math.min(...logs) - 0.15, high = Math.max(...logs) + 0.15;
    const ends = [0, ...rows.flatMap(spread), ...rows.map(gain)], least = Math.min(...ends), most = Math.max(...ends), pad = (most - least) * 0.06 || 1;
    const x = (row) => LEFT + (wide - LEFT - RIGHT) * (Math.log10(row.total) - low) / (high - low);
    const y = (value) => HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * (value - least + pad) / (most - least + 2 * pad);
    const step = [1, 2, 5].flatMap((k) => [-4, -3, -2, -1, 0, 1, 2, 3].map((n) => k * 10 ** n)).sort((a, b) => a - b).find((k) => (most - least) / k <= 6);
    for (let k = Math.ceil(least / step); k * step <= most; k++) {
      const zero = k === 0;
      svg.append(draw("line", { x1: LEFT, x2: wide - RIGHT, y1: y(k * step), y2: y(k * step), class: zero ? "zero-line" : "grid" }), draw("text", { x: LEFT - 8, y: y(k * step) + 4, class: "end" }, plain(k * step)));
    }
    for (let n = Math.ceil(low); n <= high; n++) svg.append(draw("text", { x: LEFT + (wide - LEFT - RIGHT) * (n - low) / (high - low), y: HIGH - BOTTOM + 20, class: "middle" }, power(n)));
    svg.append(draw("text", { x: 0, y: 14 }, `mean benefit less adverse events, ${unit || "share"}`), draw("text", { x: wide - RIGHT, y: HIGH - 10, class: "end" }, "particles in all"));
    const line = [...shown.front].sort((a, b) => rows[a].total - rows[b].total);
    svg.append(draw("polyline", { points: line.map((n) => `${x(rows[n])},${y(gain(rows[n]))}`).join(" "), class: "front-line" }));
    const order = [...rows.keys()].sort((a, b) => rows[a].total - rows[b].total);
    for (const n of order) svg.append(point(n, x(rows[n]), y(gain(rows[n])), spread(rows[n]).map(y)));
    if (shown.best !== null) svg.append(draw("text", { x: x(rows[shown.best]), y: y(gain(rows[shown.best])) - 16, class: x(rows[shown.best]) > wide * 0.7 ? "end best" : "middle best" }, "chosen"));
  }

  function point(n, px, py, [bottom, top]) {
    const row = rows[n], front = shown.front.includes(n), best = shown.best === n;
    const group = draw("g", { class: `regimen${front ? " on-front" : ""}${best ? " best" : ""}${chosen === n ? " picked" : ""}`, tabindex: "0", role: "button", "data-regimen": n, "aria-label": `${words(row.text)}: ${plain(gain(row))} ${unit}${front ? ", not bettered with fewer particles" : ""}${best ? ", chosen" : ""}` });
    group.append(draw("line", { x1: px, x2: px, y1: bottom, y2: top, class: "range" }), draw("circle", { cx: px, cy: py, r: 15, class: "hit" }), draw("circle", { cx: px, cy: py, r: front ? 6.5 : 4.5, class: "dot" }));
    if (best) group.append(draw("circle", { cx: px, cy: py, r: 11, class: "ring" }));
    group.addEventListener("click", () => pick(n));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(n); } });
    return group;
  }

  // What stands below the figure: the regimen that was picked, else the one chosen.
  function pick(n) {
    chosen = n;
    paint();
    details();
    svg.querySelector(`[data-regimen="${n}"]`)?.focus();
  }

  function details() {
    const n = chosen ?? shown.best, box = get("picked");
    if (n === null || n === undefined) return box.replaceChildren(make("p", { class: "conclusion" }, "Weighed so, giving nothing is worth as much as any regimen."));
    const row = rows[n], [low, high] = spread(row);
    box.replaceChildren(
      make("p", { class: "conclusion" }, words(row.text)),
      make("dl", { class: "counts small-counts" }, ...[["benefit less adverse events", `${plain(gain(row))} ${unit}`], ["5 to 95 % of ears", `${plain(low)} to ${plain(high)} ${unit}`], ["cost of adverse events", `${plain(weights().adverse_events * row.adverse_events)} ${unit}`], ["chance to be near the best", `${Math.round(100 * row.near)} %`]].map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))),
      make("p", { class: "buttons" }, make("button", { type: "button", class: "main", id: "to-ear", on: { click: () => open(n) } }, "Look at it in Ear")));
  }

  function list() {
    details();
    table.replaceChildren(...shown.front.map((n) => make("tr", { class: n === shown.best ? "best" : "" }, make("th", { scope: "row" }, words(rows[n].text)), make("td", {}, `${plain(gain(rows[n]))} ${unit}`), make("td", {}, amount(rows[n].total)), make("td", {}, make("button", { type: "button", class: "small", "data-pick": n, on: { click: () => pick(n) } }, "Show")))));
  }

  async function open(n) {
    say("");
    try {
      const study = await post("trial/regimen", { result, regimen: n });
      location.href = `/ear?study=${study.id}`;
    } catch (error) { say(error.message); }
  }

  for (const slider of [adverse_events, tenfold]) slider?.addEventListener("input", () => { chosen = null; weigh(); });
  window.addEventListener("resize", () => shown && paint());
  weigh();
})();
