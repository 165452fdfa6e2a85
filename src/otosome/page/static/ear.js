"use strict";
// The room of the ear: what the sliders show is kept; what is not is computed and said to be, never guessed between.
(() => {
  const { make, post, api, say, get } = bench;
  const room = get("ear");
  if (!room) return;
  let places = JSON.parse(get("sliders").textContent);
  const { study, prior } = room.dataset;
  const SVG = "http://www.w3.org/2000/svg", day = get("dose"), amount = get("amount"), potency = get("potency");
  const route = get("route"), batch = get("batch");
  // What is given in the place of the study's: each such treatment has answers and windows of its own.
  const treatments = new Map();
  let known = new Map(), windows = new Set(), chosen = {};
  let drawn = "", asked = "", timer = 0, computing = false;

  const key = (at) => [at.day, at.dose, at.potency].join(" ");
  const here = () => ({ day: places.days[Number(day.value)], dose: places.doses[Number(amount.value)], potency: places.potencies[Number(potency.value)] });
  const short = (x) => String(Number(x.toPrecision(6)));
  const query = (more) => String(new URLSearchParams({ study, prior, ...chosen, ...more }));

  function stand(at) {
    day.value = places.days.indexOf(at.day);
    amount.value = places.doses.indexOf(at.dose);
    potency.value = places.potencies.indexOf(at.potency);
  }

  function show() {
    const at = here(), answer = known.get(key(at));
    get("dose-words").textContent = places.amounts[Number(amount.value)].replace(/e(\d+)/, (_, n) => `×10${[...String(Number(n))].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]).join("")}`);
    get("potency-words").textContent = places.strengths[Number(potency.value)];
    amount.setAttribute("aria-valuetext", get("dose-words").textContent);
    potency.setAttribute("aria-valuetext", get("potency-words").textContent);
    get("run").textContent = `Run 200 ears ${key(at) === key(places.start) && !Object.keys(chosen).length ? "of the study" : "here"}`;
    room.dataset.place = key(at);
    room.dataset.kept = String(Boolean(answer));
    if (answer) paint(answer);
    else blank();
    tell(Boolean(answer));
    window_(at);
    if (!answer) want();
  }

  function paint(answer) {
    const { benefit } = answer.contrast, [head, rest] = benefit.text.split(" (");
    get("benefit").textContent = head;
    get("range").textContent = `5 to 95 % of ears: ${rest.replace(")", "")}`;
    arms(answer.arms);
    tones(answer.arms.filter((row) => row.measure === places.measure && row.frequency !== null));
  }

  function blank() {
    get("benefit").textContent = "–";
    get("range").textContent = "computing …";
    get("arms").tBodies[0].replaceChildren();
    get("tones").querySelectorAll(":scope > :not(title)").forEach((part) => part.remove());
  }

  function tell(kept) {
    get("state").textContent = kept ? (computing ? "Kept. The places around it are computed …" : "Kept: the same as a run of these ears.") : "Computing these ears here. Nothing is guessed between kept places.";
    get("state").classList.toggle("busy", !kept || computing);
  }

  // ---- asking for what is not kept

  let waiting = 0;
  function want() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const at = here();
      if (asked === key(at) && computing) return;
      asked = key(at);
      const treatment = chosen;
      try { take(await post("ear/fill", { study, prior, ...chosen, ...at }), treatment); } catch (error) { say(error.message); }
    }, 250);
  }

  function take(kept, treatment) {
    // An answer that comes after another treatment was chosen is of the one before.
    if (treatment !== chosen) return;
    for (const answer of kept.answers) known.set(key(answer.position), answer);
    for (const name of kept.windows) windows.add(name);
    computing = kept.computing;
    if (kept.fault) say(bench.sentence(kept.fault));
    const answer = known.get(key(here()));
    if (answer && room.dataset.kept !== "true") show();
    else { tell(Boolean(answer)); window_(here()); }
    clearTimeout(timer);
    if (computing || (!answer && !kept.fault)) timer = setTimeout(look, 700);
  }

  async function look() {
    const treatment = chosen;
    try {
      take(await api(`ear/kept?${query()}`), treatment);
      if (!computing && !known.has(key(here()))) want();
    } catch (error) { say(error.message); }
  }

  async function window_(at) {
    const file = `${short(at.dose)}_${short(at.potency)}`, name = `${query()} ${file}`;
    const ready = drawn === name || windows.has(file);
    get("no-window").hidden = ready;
    get("no-window").textContent = drawn ? "The window of this treatment is computed; the one above is of another." : "The window is computed …";
    get("stage").classList.toggle("stale", !ready && Boolean(drawn));
    if (!ready || drawn === name) return;
    drawn = name;
    try {
      const packed = await api(`ear/window?${query({ dose: at.dose, potency: at.potency })}`);
      if (drawn === name) document.dispatchEvent(new CustomEvent("window", { detail: { packed, dose: Number(day.value) } }));
    } catch (error) { drawn = ""; say(error.message); }
  }

  // ---- what the ears hear

  const words = (text) => text.replaceAll("_", " ");
  const title = (row) => places.titles[row.measure] ?? words(row.measure);
  function arms(rows) {
    const by = new Map();
    for (const row of rows) {
      const name = `${title(row)}${row.frequency === null ? "" : `, ${row.frequency} kHz`}, day ${Math.round(row.time / 2.4) / 10}`;
      by.set(name, { ...by.get(name), [row.arm]: row.value.text });
    }
    get("arms").tBodies[0].replaceChildren(...[...by].map(([name, texts]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, texts[places.of] ?? "–"), make("td", {}, texts[places.against] ?? "–"))));
  }

  const draw = (tag, attributes, text = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };

  function tones(rows) {
    const svg = get("tones"), wide = Math.max(280, svg.getBoundingClientRect().width || 520), high = 300;
    svg.querySelectorAll(":scope > :not(title)").forEach((part) => part.remove());
    svg.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    svg.setAttribute("height", high);
    if (!rows.length) return;
    const LEFT = 46, RIGHT = 16, TOP = 26, BOTTOM = 44, unit = rows[0].value.unit, down = unit.startsWith("dB");
    const frequencies = [...new Set(rows.map((row) => row.frequency))].sort((a, b) => a - b);
    const ends = rows.flatMap((row) => [row.value.exact.low, row.value.exact.high]);
    const most = Math.max(...ends), least = Math.min(0, ...ends), room = (most - least) * 0.05 || 1;
    const x = (f) => frequencies.length < 2 ? wide / 2 : LEFT + 14 + (wide - LEFT - RIGHT - 28) * Math.log(f / frequencies[0]) / Math.log(frequencies.at(-1) / frequencies[0]);
    const y = (v) => { const share = (v - least + room) / (most - least + 2 * room); return down ? TOP + share * (high - TOP - BOTTOM) : high - BOTTOM - share * (high - TOP - BOTTOM); };
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].map((k) => k / 10).find((k) => (most - least) / k <= 6) ?? 100;
    for (let v = Math.ceil(least / step) * step; v <= most; v += step) {
      svg.append(draw("line", { x1: LEFT, x2: wide - RIGHT, y1: y(v), y2: y(v), class: "grid" }), draw("text", { x: LEFT - 7, y: y(v) + 4, class: "end" }, String(Math.round(v * 10) / 10)));
    }
    for (const f of frequencies) svg.append(draw("text", { x: x(f), y: high - BOTTOM + 18, class: "middle" }, String(f)));
    svg.append(draw("text", { x: 0, y: 12 }, `${title(rows[0])}, ${unit || "share"}`), draw("text", { x: wide - RIGHT, y: high - 8, class: "end" }, "kHz"));
    [[places.against, "against", 5], [places.of, "of", -5]].forEach(([arm, kind, apart]) => {
      const own = frequencies.map((f) => rows.find((row) => row.arm === arm && row.frequency === f)).filter(Boolean);
      const at = (row) => x(row.frequency) + apart;
      svg.append(draw("polyline", { points: own.map((row) => `${at(row)},${y(row.value.exact.median)}`).join(" "), class: kind }));
      for (const row of own) {
        svg.append(draw("line", { x1: at(row), x2: at(row), y1: y(row.value.exact.low), y2: y(row.value.exact.high), class: kind }));
        svg.append(kind === "of" ? draw("circle", { cx: at(row), cy: y(row.value.exact.median), r: 4.5, class: kind }) : draw("path", { d: `M${at(row) - 4} ${y(row.value.exact.median) - 4}l8 8m0 -8l-8 8`, class: kind }));
      }
    });
    svg.append(draw("text", { x: LEFT + 8, y: high - BOTTOM - 24, class: "of" }, `◯ ${places.of}`), draw("text", { x: LEFT + 8, y: high - BOTTOM - 8, class: "against" }, `✕ ${places.against}`));
  }

  // ---- what a person does

  // Another route or other vesicles: as quick as a slider where it is kept, else it is computed and said to be.
  async function treat() {
    const own = (field) => field.selectedOptions[0].dataset.own !== undefined;
    const before = chosen, lot = batch.selectedOptions[0].dataset.lot;
    chosen = { ...(own(route) ? {} : { route: route.value }), ...(lot ? { lot } : own(batch) ? {} : { batch: batch.value }) };
    const name = query(), treatment = chosen;
    say("");
    room.dataset.treated = "";
    try {
      if (!treatments.has(name)) treatments.set(name, { known: new Map(), windows: new Set(), kept: await api(`ear/kept?${name}`) });
    } catch (error) {
      // What cannot be given so is said, and what was shown stays.
      if (treatment === chosen) { chosen = before; restore(); }
      return say(error.message);
    }
    if (treatment !== chosen) return;
    const here_ = here(), there = treatments.get(name);
    ({ known, windows } = there);
    places = there.kept.sliders;
    [[day, places.days], [amount, places.doses], [potency, places.potencies]].forEach(([slider, list]) => { slider.max = list.length - 1; });
    stand({ day: nearest(places.days, here_.day), dose: nearest(places.doses, here_.dose), potency: nearest(places.potencies, here_.potency) });
    computing = false;
    asked = "";
    for (const answer of there.kept.answers) known.set(key(answer.position), answer);
    for (const window of there.kept.windows) windows.add(window);
    room.dataset.treated = name;
    show();
    want();
  }

  const nearest = (list, value) => list.reduce((best, each) => Math.abs(each - value) < Math.abs(best - value) ? each : best);

  function restore() {
    route.value = chosen.route ?? route.querySelector("[data-own]").value;
    for (const option of batch.options) option.selected = chosen.lot ? option.dataset.lot === chosen.lot : chosen.batch ? option.value === chosen.batch : option.dataset.own !== undefined;
  }

  route.addEventListener("change", treat);
  batch.addEventListener("change", treat);
  for (const slider of [amount, potency]) slider.addEventListener("input", show);
  day.addEventListener("input", show);
  day.addEventListener("chosen", show);
  get("home").addEventListener("click", async () => {
    for (const field of [route, batch]) field.querySelector("[data-own]").selected = true;
    if (Object.keys(chosen).length) await treat();
    stand(places.start);
    drawn = "";
    show();
  });
  get("run").addEventListener("click", async () => {
    say("");
    try {
      const job = await post("ear/run", { study, prior, ...chosen, ...here() });
      get("line").replaceChildren(make("p", { class: "small" }, `${job.study} runs: its card is at the left, its report will be in Record.`));
      bench.look();
    } catch (error) { say(error.message); }
  });
  get("vary").addEventListener("submit", async (event) => {
    event.preventDefault();
    say("");
    const form = event.target, body = { study, name: form.name.value, route: route.value, batch: batch.value, ...Object.fromEntries(["insult", "level"].filter((name) => form.elements[name]).map((name) => [name, form.elements[name].value])) };
    const lot = batch.selectedOptions[0].dataset.lot;
    try {
      const made = await post("ear/vary", lot ? { ...body, lot } : body);
      location.href = `/ear?study=${made.id}&prior=${prior}`;
    } catch (error) { say(error.message); }
  });
  window.addEventListener("resize", () => { const answer = known.get(key(here())); if (answer) paint(answer); });

  stand(places.start);
  treatments.set(query(), { known, windows, kept: { answers: [], windows: [], sliders: places } });
  room.dataset.treated = query();
  api(`ear/kept?${query()}`).then((kept) => { take(kept, chosen); show(); want(); }).catch((error) => say(error.message));
})();
