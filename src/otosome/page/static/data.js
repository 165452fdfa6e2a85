"use strict";
// The room of data: files are read, tables explained, the animals sheet filled in.
(() => {
  const { make, post, api, say, values, get } = bench;
  const question = new URLSearchParams(location.search);

  async function read(body, drop = question.get("drop")) {
    const asked = await post("data/read", body);
    location.href = `/data?${drop ? `drop=${drop}&` : ""}job=${asked.job}`;
  }

  const attempt = (act) => async (event) => {
    event?.preventDefault();
    say("");
    try { await act(event); } catch (error) { say(error.message); }
  };

  for (const form of document.querySelectorAll("form[data-read]"))
    form.addEventListener("submit", attempt(() => read(values(form))));

  // What is dropped is read at once; what it does not say itself can be said afterwards.
  document.addEventListener("dropped", (event) => {
    event.preventDefault();
    attempt(() => read({ paths: [event.detail.id] }, event.detail.id))();
  });

  document.addEventListener("job", (event) => {
    if (event.detail.state === "refused" && question.get("drop")) explain(question.get("drop"), { paths: [question.get("drop")] }, true);
  });
  document.querySelector("[data-ask-mapping]")?.addEventListener("click", (event) => {
    const id = event.target.dataset.askMapping;
    explain(id, { result: id });
  });

  // ---- what columns and wells hold

  const option = (value, text = value, selected = false) => make("option", { value, selected }, text);
  const field = (text, control) => make("label", {}, `${text} `, control);
  const pick = (names, chosen, first = "none") => make("select", {}, option("", first), ...names.map((name) => option(name, name, name === chosen)));
  const pairs = (text) => Object.fromEntries(list(text).map((pair) => pair.split("=").map((word) => word.trim())).filter((pair) => pair.length === 2));
  const list = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);

  async function explain(id, body, quiet = false) {
    const holder = get("mapping");
    if (!holder || holder.childElementCount) return;
    try {
      const asked = await api(`data/tables?id=${id}`);
      if (quiet && !asked.tables.length) return;
      const parts = [...asked.tables.map((table) => tablePart(table, asked)), ...asked.plates.map(platePart), ...(body.result ? [namesPart()] : [])];
      const form = make("form", { class: "explain", on: { submit: attempt(() => keep(parts, body)) } },
        ...parts.map((part) => part.element), make("button", { class: "main" }, "Keep this and read again"));
      holder.replaceChildren(form);
      form.querySelector("select, input, textarea")?.focus();
    } catch (error) { say(error.message); }
  }

  async function keep(parts, body) {
    const said = { name: "my", table: [], plate: [], animals: {}, ...(body.result ? { result: body.result } : {}) };
    for (const part of parts) part.say(said);
    if (!said.table.length && !said.plate.length && !Object.keys(said.animals).length) throw new Error("Say of one column at least what it holds.");
    const file = await post("data/mapping", said);
    await read({ ...body, mapping: file.id });
  }

  function tablePart(table, asked) {
    const about = {};
    for (const [key, text] of [["subject", "Subject"], ["ear", "Ear"], ["group", "Group"], ["time", "Time"], ["recorded", "Date"]])
      about[key] = pick(table.columns, table.about[key]);
    const species = pick(asked.species, "", "choose");
    const silent = make("input", { placeholder: "NR, 99" }), untested = make("input", { placeholder: "DNT, 0" });
    const loudest = make("input", { placeholder: "90 dB SPL" }), times = make("input", { placeholder: "baseline = -24 h, post = 14 d" });
    const plain = make("input", { type: "checkbox" });
    const named = new Set(Object.values(table.about));
    const columns = table.columns.filter((name) => name && !named.has(name)).map((name) => columnRow(name, table, asked));
    const texts = { subject: "Subject", ear: "Ear", group: "Group", time: "Time", recorded: "Date" };
    const element = make("fieldset", {}, make("legend", {}, table.title),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `First rows of ${table.title}` }, make("table", {}, make("thead", {}, make("tr", {}, ...table.columns.map((name) => make("th", { scope: "col" }, name)))),
        make("tbody", {}, ...table.rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))))),
      make("div", { class: "ask" }, field("Species", species), ...Object.keys(about).map((key) => field(texts[key], about[key]))),
      make("div", { class: "columns" }, ...columns.map((row) => row.element)),
      make("div", { class: "ask" }, field("“No response” is written", silent), field("“Not tested” is written", untested), field("Loudest level, where it has none of its own", loudest), field("Times in words", times),
        make("label", { class: "check" }, plain, " every number is a level as written")));
    function tell(said) {
      const column = Object.fromEntries(columns.map((row) => row.say()).filter(Boolean));
      if (!Object.keys(column).length) return;
      const one = { columns: table.columns, species: species.value, column, no_response: list(silent.value), not_tested: list(untested.value), loudest: loudest.value };
      for (const key of Object.keys(about)) one[key] = about[key].value;
      if (plain.checked) one.codes = [];
      one.times = pairs(times.value);
      said.table.push(one);
    }
    return { element, say: tell };
  }

  function columnRow(name, table, asked) {
    const quantity = make("select", {}, option("", "is not read"), ...Object.keys(asked.quantities).map((key) => option(key, key.replaceAll("_", " ").replace(".", " "))));
    const unit = make("select", { disabled: true });
    const guess = /^\d+(\.\d+)?$/.test(name) ? (Number(name) >= 200 ? `${name} Hz` : `${name} kHz`) : name === "click" ? "click" : table.about.frequency;
    const frequency = make("input", { value: guess, placeholder: "8 kHz, click, or a column" });
    quantity.addEventListener("change", () => {
      unit.replaceChildren(...(asked.quantities[quantity.value] ?? []).map((word) => option(word, word || "share, 0 to 1")));
      unit.disabled = !quantity.value;
    });
    const element = make("div", { class: "column" }, make("b", {}, name), field("holds", quantity), field("in", unit), field("at frequency", frequency));
    return { element, say: () => (quantity.value ? [name, { quantity: quantity.value, unit: unit.value, frequency: frequency.value }] : null) };
  }

  // An animal whose id changed between visits is one animal.
  function namesPart() {
    const names = make("input", { placeholder: "m1b = m1, I-1655_1 = E1-1655_1", size: 50 });
    const element = make("fieldset", {}, make("legend", {}, "Animals with two names"), make("div", { class: "ask" }, field("Later name = first name", names)));
    return { element, say: (said) => Object.assign(said.animals, pairs(names.value)) };
  }

  // A layout is pasted as it stands in a spreadsheet: a row of wells a line, tabs between.
  function platePart(plate) {
    const blank = Array(plate.rows).fill(Array(plate.columns).fill("").join("\t")).join("\n");
    const sample = make("textarea", { rows: Math.min(plate.rows, 8), placeholder: "ref\tref\tlot" }), dose = make("textarea", { rows: Math.min(plate.rows, 8), placeholder: "1e8\t2e8\t1e8" });
    const unit = make("input", { placeholder: "particles/mL" });
    const element = make("fieldset", {}, make("legend", {}, `${plate.file}: ${plate.read}`),
      make("p", { class: "small" }, `${plate.rows} rows of ${plate.columns} wells. Paste them from a spreadsheet: a row a line, a tab between wells; a blank well is left out.`),
      make("div", { class: "ask" }, field("Sample in each well", sample), field("Dose in each well", dose), field("Unit of the dose", unit)));
    const grid = (text) => text.replace(/\n+$/, "").split("\n").map((row) => row.split("\t").map((cell) => cell.trim()));
    function tell(said) {
      if (!sample.value.trim()) return;
      said.plate.push({ file: plate.file, read: plate.read, unit: unit.value, sample: grid(sample.value), dose: grid(dose.value || blank) });
    }
    return { element, say: tell };
  }

  // ---- the animals sheet

  const SHOWN = ["subject", "file", "group", "treatment", "species", "insult", "insult_dose", "dose", "day0", "run"];
  const TITLES = { day0: "day 0", insult_dose: "level or dose of the insult", run: "exposed in run" };

  // What is alike for all animals is typed once, then filled down into the blank cells.
  const ALIKE = ["group", "treatment", "species", "insult", "insult_dose", "dose", "day0"];
  const down = (form, name) => make("button", { type: "button", class: "small fill", "aria-label": `Fill ${TITLES[name] ?? name} down`, title: "Fill the blank cells below with the value above", on: { click: () => {
    let last = "";
    for (const input of form.querySelectorAll(`tbody input[name=${name}]`)) last = input.value ||= last;
  } } }, "↓");

  async function animals(form) {
    const sheet = await api(`data/animals?result=${form.dataset.result}`);
    const used = sheet.columns.filter((name) => SHOWN.includes(name) || sheet.rows.some((row) => row[name]));
    const shown = used.filter((name) => name !== "file" || sheet.rows.some((row) => row.file));
    form.querySelector("thead").replaceChildren(make("tr", {}, ...shown.map((name) => make("th", { scope: "col" }, `${TITLES[name] ?? name} `, ...(ALIKE.includes(name) ? [down(form, name)] : [])))));
    const body = form.querySelector("tbody");
    body.replaceChildren(...sheet.rows.map((row, n) => make("tr", {}, ...shown.map((name) => make("td", {},
      make("input", { name, value: row[name], "aria-label": `${TITLES[name] ?? name} of ${row.subject || `row ${n + 1}`}` }))))));
    body.addEventListener("paste", (event) => paste(event, body));
    form.addEventListener("submit", attempt(async () => {
      const rows = [...body.rows].map((row, n) => ({ ...sheet.rows[n], ...Object.fromEntries([...row.querySelectorAll("input")].map((input) => [input.name, input.value.trim()])) }));
      const file = await post("data/animals", { result: form.dataset.result, rows });
      await read({ result: form.dataset.result, animals: file.id });
    }));
  }

  // Cells pasted from a spreadsheet fill downwards and to the right.
  function paste(event, body) {
    const text = event.clipboardData.getData("text");
    if (!/[\t\n]/.test(text.trim())) return;
    event.preventDefault();
    const cell = event.target.closest("td"), top = cell.parentElement.sectionRowIndex, left = cell.cellIndex;
    text.replace(/\r?\n$/, "").split(/\r?\n/).forEach((line, i) => line.split("\t").forEach((word, j) => {
      const input = body.rows[top + i]?.cells[left + j]?.querySelector("input");
      if (input) input.value = word.trim();
    }));
  }

  const sheet = get("animals");
  if (sheet) attempt(() => animals(sheet))();

  // ---- the next study

  const next = get("next");
  function times() {
    const chosen = next.quantity.selectedOptions[0], rows = JSON.parse(chosen.dataset.times);
    next.time.replaceChildren(option("", "all times"), ...rows.map(([hours, words]) => option(String(hours), words || `${hours} h`)));
    if (rows.length) next.time.value = String(rows.at(-1)[0]);
    next.difference.value = `10 ${chosen.dataset.unit}`;
  }
  const planned = () => ({ result: next.dataset.result, quantity: next.quantity.value, difference: next.difference.value.trim(), comparisons: Number(next.comparisons.value), ...(next.time.value === "" ? {} : { time: Number(next.time.value) }) });

  async function power() {
    const shown = await post("data/power", planned());
    const svg = new DOMParser().parseFromString(shown.svg.replace("<svg", `<svg xmlns="http://www.w3.org/2000/svg"`), "image/svg+xml").documentElement;
    get("power").replaceChildren(make("p", { class: "conclusion" }, shown.says),
      make("figure", { class: "chart" }, document.importNode(svg, true), make("figcaption", { class: "spoken" }, shown.about)),
      make("details", {}, make("summary", {}, "What the numbers rest on"), ...shown.notes.map((note) => make("p", { class: "small" }, note))));
  }
  async function keepNext() {
    const file = await post("data/plan", planned());
    location.href = `/trial?design=${file.id}`;
  }
  if (next) {
    next.quantity.addEventListener("change", times);
    next.addEventListener("submit", attempt(power));
    get("keep-next").addEventListener("click", attempt(keepNext));
    times();
  }
})();

// Traces: a level series as a stack, its threshold and waves marked by a reader.
(() => {
  const holder = document.getElementById("traces");
  if (!holder) return;
  const { make, post, api, say, get } = bench;
  const result = holder.dataset.result, list = get("series"), stack = get("stack"), SVG = "http://www.w3.org/2000/svg";
  const reader = get("reader"), TOP = 26, LEFT = 58, RIGHT = 14, STEP = 1;
  let seen = null, at = 0, shown = null, zoom = 1, busy = Promise.resolve(), draft = null;

  reader.value = localStorage.getItem("otosome reader") || "reader 1";
  const name = () => reader.value.trim() || "reader 1";
  const draw = (tag, attributes = {}, text = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const series = () => seen.series[at];
  const mine = () => series().marks[name()] ?? { threshold: null, waves: [] };
  const words = (value, unit) => (!value || value.value == null ? "–" : value.censored === "above" ? `none to ${round(value.value)} ${unit}` : value.censored === "below" ? `below ${round(value.value)} ${unit}` : `${round(value.value)} ${unit}`);
  const round = (x) => String(Math.round(x * 10) / 10).replace("-", "−");

  // Requests one after the other, so that marks stand in the order in which they were set.
  const queue = (act) => (busy = busy.then(act).catch((error) => say(error.message)));

  async function load() {
    seen = await api(`data/series?result=${result}&reader=${encodeURIComponent(name())}`);
    at = Math.min(at, seen.series.length - 1);
    tell();
    await show(at);
  }

  function tell() {
    get("blind").checked = seen.blind;
    get("undo").disabled = !seen.undo;
    get("redo").disabled = !seen.redo;
    const marked = seen.series.filter((one) => one.marks[name()]?.threshold).length;
    const lead = seen.lead && seen.lead !== name() ? ` The marks of ${seen.lead} stand in the readings.` : "";
    get("standing").textContent = `${marked} of ${seen.series.length} series marked by ${name()}.${seen.blind ? " Blinded: no estimates, no names, nobody else's marks." : lead} ${seen.notes.join(". ")}`;
    const take = lead && !seen.blind && marked ? bench.button("Let mine stand", () => turn("lead")) : "";
    get("standing").append(" ", take);
    list.replaceChildren(...seen.series.map((one, n) => {
      const own = one.marks[name()]?.threshold, line = own ?? one.automatic?.threshold;
      return make("li", { role: "option", id: `series-${n}`, "aria-selected": String(n === at), class: own ? "marked" : "", on: { click: () => queue(() => show(n)) } },
        make("span", {}, one.label), make("b", {}, own || line ? words(own ?? line, "") : "–"));
    }));
  }

  async function show(n) {
    at = n;
    if (!seen.series.length) return;
    [...list.children].forEach((item, k) => item.setAttribute("aria-selected", String(k === n)));
    list.setAttribute("aria-activedescendant", `series-${n}`);
    list.children[n]?.scrollIntoView({ block: "nearest" });
    const one = series();
    get("plot-title").textContent = `${one.label}${one.reason ? `: ${one.reason}` : ""}`;
    if (shown?.key !== one.key) shown = await api(`data/waveforms?result=${result}&key=${one.key}`);
    paint();
    table();
    compare();
    if (holder.querySelector("details").open) await history();
  }

  // ---- the stack

  const apart = () => Math.min(46, Math.max(24, 560 / shown.levels.length));
  const high = () => TOP + apart() * shown.levels.length + 44;
  const base = (n) => TOP + apart() * (shown.levels.length - n);
  const width = () => Math.max(320, stack.getBoundingClientRect().width || 640);
  const x = (ms) => LEFT + (width() - LEFT - RIGHT) * (ms - shown.time[0]) / (shown.time.at(-1) - shown.time[0]);
  const ms = (px) => shown.time[0] + (px - LEFT) / (width() - LEFT - RIGHT) * (shown.time.at(-1) - shown.time[0]);
  const scale = () => {
    const largest = Math.max(...shown.responses.flat().map(Math.abs)) || 1;
    return zoom * 1.8 * apart() / largest / 2;
  };

  // Between two levels the line stands between their traces; levels need not be evenly apart.
  function y(level) {
    const levels = shown.levels;
    if (level <= levels[0]) return base(0);
    for (let n = 1; n < levels.length; n++)
      if (level <= levels[n]) return base(n - 1) + (base(n) - base(n - 1)) * (level - levels[n - 1]) / (levels[n] - levels[n - 1]);
    return base(levels.length - 1);
  }
  function levelAt(py) {
    const levels = shown.levels;
    for (let n = 1; n < levels.length; n++)
      if (py >= base(n)) return levels[n - 1] + (levels[n] - levels[n - 1]) * (base(n - 1) - Math.min(py, base(n - 1))) / (base(n - 1) - base(n));
    return levels.at(-1);
  }

  function paint() {
    stack.setAttribute("viewBox", `0 0 ${width()} ${shown.levels.length ? high() : 60}`);
    stack.setAttribute("height", shown.levels.length ? high() : 60);
    stack.replaceChildren();
    if (!shown.levels.length) {
      stack.append(draw("text", { x: LEFT, y: 34 }, series().reason || "nothing to be shown"));
      return;
    }
    axes();
    const tall = scale();
    shown.responses.forEach((wave, n) => {
      const points = wave.map((value, k) => `${x(shown.time[k]).toFixed(1)},${(base(n) - tall * value).toFixed(1)}`).join(" ");
      stack.append(draw("polyline", { points, class: "wave" }));
    });
    estimate();
    for (const [who, marks] of Object.entries(series().marks)) if (who !== name()) others(who, marks);
    waves(tall);
    handle();
  }

  function axes() {
    shown.levels.forEach((level, n) => stack.append(draw("text", { x: LEFT - 10, y: base(n) + 4, class: "level" }, round(level))));
    stack.append(draw("text", { x: 6, y: 14, class: "axis" }, series().unit));
    const bottom = base(0) + 22, last = shown.time.at(-1);
    for (let t = Math.ceil(shown.time[0]); t <= last; t++) {
      stack.append(draw("line", { x1: x(t), x2: x(t), y1: TOP, y2: bottom - 8, class: "grid" }));
      stack.append(draw("text", { x: x(t), y: bottom + 6, class: "tick" }, String(t)));
    }
    stack.append(draw("text", { x: width() - RIGHT, y: bottom + 20, class: "axis end" }, "ms after the onset"));
    const bar = niceVolt(46 / scale()), px = bar * scale();
    stack.append(draw("path", { d: `M${width() - RIGHT - 4} ${TOP + 4}v${px}`, class: "scalebar" }));
    stack.append(draw("text", { x: width() - RIGHT - 10, y: TOP + 4 + px / 2 + 4, class: "axis end" }, `${bar} µV`));
  }
  const niceVolt = (most) => { const power = 10 ** Math.floor(Math.log10(most)); return Number(([5, 2, 1].find((k) => k * power <= most) * power).toPrecision(1)); };

  // Names of lines stand apart: the estimate's at the left, the reader's own at the right, others' between.
  const SPOTS = { automatic: [0, "start"], other: [0.5, "middle"], own: [1, "end"] };
  function line(level, kind, text) {
    const py = y(level), [share, anchor] = SPOTS[kind.split(" ")[0]], from = LEFT + 6, to = width() - RIGHT - 42;
    const group = draw("g", { class: kind });
    group.append(draw("line", { x1: LEFT, x2: width() - RIGHT, y1: py, y2: py }));
    group.append(draw("text", { x: from + share * (to - from), y: py - 5, "text-anchor": anchor }, text));
    return group;
  }

  function estimate() {
    const automatic = series().automatic;
    if (!automatic) return;
    const { value, low, high: up } = automatic.threshold;
    if (automatic.threshold.censored === "none") {
      const top = y(up ?? shown.levels.at(-1)), bottom = y(low ?? shown.levels[0]);
      stack.append(draw("rect", { x: LEFT, width: width() - LEFT - RIGHT, y: top, height: Math.max(1, bottom - top), class: "band" }));
    }
    stack.append(line(value, "automatic", `estimate ${words(automatic.threshold, series().unit)}`));
  }

  function others(who, marks) {
    if (marks.threshold) stack.append(line(marks.threshold.value, "other", `${who} ${words(marks.threshold, series().unit)}`));
  }

  function handle() {
    const own = draft ?? mine().threshold, start = own ?? series().automatic?.threshold ?? { value: shown.levels[Math.floor(shown.levels.length / 2)], censored: "none" };
    const group = line(start.value, own ? "own" : "own unset", own ? `${name()} ${words(own, series().unit)}` : "drag to mark");
    const grip = draw("g", { class: "grip", tabindex: "0", role: "slider", "aria-label": `Threshold by ${name()}`, "aria-orientation": "vertical", "aria-valuemin": shown.levels[0], "aria-valuemax": shown.levels.at(-1), "aria-valuenow": start.value, "aria-valuetext": own ? words(own, series().unit) : "not marked" });
    const py = y(start.value);
    grip.append(draw("rect", { x: LEFT, y: py - 11, width: width() - LEFT - RIGHT, height: 22, class: "hit" }));
    grip.append(draw("circle", { cx: width() - RIGHT - 22, cy: py, r: 9 }));
    grip.addEventListener("pointerdown", (event) => drag(event, grip));
    group.append(grip);
    stack.append(group);
  }

  const spot = (event) => {
    const box = stack.getBoundingClientRect();
    return [(event.clientX - box.left) * width() / box.width, (event.clientY - box.top) * high() / box.height];
  };

  function drag(event, grip) {
    event.preventDefault();
    let moved = null;
    const move = (now) => {
      moved = { value: Math.round(levelAt(spot(now)[1]) / STEP) * STEP, censored: "none" };
      draft = moved;
      paint();
    };
    const end = () => {
      window.removeEventListener("pointermove", move);
      draft = null;
      if (moved) mark({ threshold: moved.value });
      else stack.querySelector(".grip")?.focus();
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end, { once: true });
    grip.focus();
  }

  // ---- wave I

  function waves(tall) {
    const own = mine().waves, levels = new Set(own.map((wave) => wave.level));
    for (const wave of series().automatic?.waves ?? []) if (!levels.has(wave.level)) peaks(wave, tall, "estimated");
    for (const wave of own) peaks(wave, tall, "own");
  }

  function peaks(wave, tall, kind) {
    const n = shown.levels.indexOf(wave.level);
    if (n < 0 || wave.latency == null) return;
    for (const [which, t] of [["peak", wave.latency], ["trough", wave.trough]]) {
      const k = shown.time.reduce((best, at, j) => (Math.abs(at - t) < Math.abs(shown.time[best] - t) ? j : best), 0);
      const px = x(t), py = base(n) - tall * shown.responses[n][k], up = which === "peak";
      const d = up ? `M${px} ${py - 3}l-5 -9h10z` : `M${px} ${py + 3}l-5 9h10z`;
      const shape = draw("path", { d, class: `marker ${kind}`, tabindex: "0", role: "slider", "aria-label": `${up ? "P1" : "N1"} at ${round(wave.level)} ${series().unit}`, "aria-valuenow": t.toFixed(2), "aria-valuemin": shown.time[0], "aria-valuemax": shown.time.at(-1), "aria-valuetext": `${t.toFixed(2)} ms` });
      const set = (to) => mark({ level: wave.level, peak: up ? to : wave.latency, trough: up ? wave.trough : to });
      shape.addEventListener("pointerdown", (event) => slide(event, shape, px, set));
      shape.addEventListener("keydown", (event) => {
        const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!way) return;
        event.preventDefault();
        set(Math.max(shown.time[0], t + way * (shown.time[1] - shown.time[0])));
      });
      stack.append(shape);
    }
  }

  function slide(event, shape, from, set) {
    event.preventDefault();
    let to = null;
    const move = (now) => { to = spot(now)[0]; shape.setAttribute("transform", `translate(${to - from} 0)`); };
    const end = () => {
      window.removeEventListener("pointermove", move);
      if (to !== null) set(Math.max(0, ms(to)));
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end, { once: true });
    shape.focus();
  }

  // ---- what a reader does

  function mark(body) {
    say("");
    return queue(async () => {
      const focus = document.activeElement?.getAttribute("aria-label");
      await post("data/mark", { result, reader: name(), key: series().key, ...body });
      await load();
      if (focus) [...stack.querySelectorAll("[tabindex]")].find((item) => item.getAttribute("aria-label") === focus)?.focus();
    });
  }
  const turn = (does) => queue(async () => { say(""); await post("data/turn", { result, reader: name(), does }); await load(); });

  function shift(way) {
    const levels = shown.levels;
    if (!levels.length) return;
    const now = (mine().threshold ?? series().automatic?.threshold ?? { value: levels.at(-1) }).value;
    const step = levels.length > 1 ? Math.min(...levels.slice(1).map((level, n) => level - levels[n])) / 2 : 5;
    const next = (way > 0 ? Math.floor(now / step + 1e-6) + 1 : Math.ceil(now / step - 1e-6) - 1) * step;
    mark({ threshold: Math.min(Math.max(next, levels[0]), levels.at(-1)) });
  }
  function accept() {
    const automatic = series().automatic?.threshold;
    if (!automatic) return say("This series has no estimate that you may see.");
    mark({ threshold: automatic.censored === "none" ? Math.round(automatic.value * 10) / 10 : automatic.censored });
  }
  // Each level's wave I becomes the reader's own where it was estimated, to be dragged then.
  function wave() {
    const known = new Set(mine().waves.map((one) => one.level));
    const open = (series().automatic?.waves ?? []).filter((one) => !known.has(one.level));
    const loudest = shown.levels.at(-1);
    if (!open.length && !known.has(loudest) && loudest !== undefined) return mark({ level: loudest, peak: shown.time[0] + 0.6, trough: shown.time[0] + 1.1 });
    for (const one of open) mark({ level: one.level, peak: one.latency, trough: one.trough });
  }
  function remove() {
    if (mine().threshold) mark({ threshold: null });
    for (const one of mine().waves) mark({ level: one.level });
  }
  const step = (way) => queue(() => show(Math.min(Math.max(at + way, 0), seen.series.length - 1)));

  const KEYS = {
    j: () => shift(-1), k: () => shift(1), ArrowDown: () => shift(-1), ArrowUp: () => shift(1), Enter: accept, x: () => mark({ threshold: "above" }), Delete: remove,
    n: () => step(1), p: () => step(-1), u: () => seen.undo && turn("undo"), r: () => seen.redo && turn("redo"), w: wave,
  };
  const IN_LIST = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => queue(() => show(0)), End: () => queue(() => show(seen.series.length - 1)) };
  document.addEventListener("keydown", (event) => {
    if (!seen || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target, typed = target.matches("input, select, textarea, button, a, summary");
    if (typed || (event.key.startsWith("Arrow") && !target.closest("#stack, #series"))) return;
    const act = (target === list && IN_LIST[event.key]) || KEYS[event.key];
    if (!act || target.matches(".marker") && event.key.startsWith("Arrow")) return;
    event.preventDefault();
    act();
  });

  // ---- beside the plot

  function table() {
    const one = series(), rows = [];
    const loudest = (waves) => { const top = waves.reduce((best, wave) => (!best || wave.level > best.level ? wave : best), null); return top ? `${top.value.toFixed(2)} µV, ${top.latency.toFixed(2)} ms` : "–"; };
    if (one.automatic) rows.push(["estimate", words(one.automatic.threshold, one.unit), loudest(one.automatic.waves)]);
    for (const who of seen.readers) { const own = one.marks[who]; rows.push([who, words(own?.threshold, one.unit), loudest(own?.waves ?? [])]); }
    get("beside").tBodies[0].replaceChildren(...rows.map(([who, ...cells]) => make("tr", {}, make("th", { scope: "row" }, who), ...cells.map((cell) => make("td", {}, cell)))));
    for (const [id, off] of [["accept", !one.automatic], ["none", !one.levels.length], ["wave", !one.levels.length], ["remove", !mine().threshold && !mine().waves.length]]) get(id).disabled = off;
  }

  function compare() {
    const form = get("agreement"), names = seen.blind ? [] : [...seen.readers, "automatic"];
    for (const field of [form.first, form.second]) {
      const old = field.value;
      field.replaceChildren(...names.map((who) => make("option", { value: who }, who === "automatic" ? "the estimates" : who)));
      if (names.includes(old)) field.value = old;
    }
    if (form.first.value === form.second.value) form.second.value = names.at(-1) ?? "";
    form.querySelector("button").disabled = names.length < 2;
  }

  get("agreement").addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target, ask = `first=${encodeURIComponent(form.first.value)}&second=${encodeURIComponent(form.second.value)}`;
    queue(async () => {
      say("");
      const shown = await api(`data/agreement?result=${result}&${ask}`);
      const parts = [make("p", {}, shown.says)];
      if (shown.pairs) {
        parts.unshift(make("dl", { class: "counts small-counts" }, ...[["bias", `${round(shown.bias)} dB`], ["SD", `${round(shown.spread)} dB`], ["within 5 dB", `${Math.round(100 * shown.near[0])} %`], ["within 10 dB", `${Math.round(100 * shown.near[1])} %`]].map(([key, value]) => make("div", {}, make("dt", {}, key), make("dd", {}, value)))));
        const svg = new DOMParser().parseFromString(shown.svg.replace("<svg", `<svg xmlns="${SVG}"`), "image/svg+xml").documentElement;
        parts.push(document.importNode(svg, true));
      }
      get("agreed").replaceChildren(...parts);
    });
  });

  async function history() {
    const lines = await api(`data/changes?result=${result}&reader=${encodeURIComponent(name())}`);
    const does = { blind: "began to read blinded", open: "opened the marks of others", lead: "took the lead" };
    get("history").replaceChildren(...lines.slice(0, 300).map((entry) => {
      const what = entry.quantity === "wave1" ? `wave I at ${round(entry.level)}` : "threshold";
      const text = entry.does === "mark" ? `${entry.series || "a series"}, ${what}: ${value(entry.from)} → ${value(entry.to)}` : entry.does === "undo" ? `took back line ${entry.undoes}` : does[entry.does];
      return make("li", { value: entry.line, class: entry.undone ? "undone" : "" }, make("b", {}, entry.reader), ` ${text} `, make("small", {}, new Date(entry.at).toLocaleString()));
    }));
  }
  const value = (mark) => (mark.value == null ? "none" : mark.latency != null ? `${mark.value.toFixed(2)} µV at ${mark.latency.toFixed(2)} ms` : words(mark, ""));
  holder.querySelector("details").addEventListener("toggle", (event) => { if (event.target.open) queue(history); });

  reader.addEventListener("change", () => { localStorage.setItem("otosome reader", name()); queue(load); });
  get("blind").addEventListener("change", (event) => turn(event.target.checked ? "blind" : "open"));
  get("undo").addEventListener("click", () => turn("undo"));
  get("redo").addEventListener("click", () => turn("redo"));
  get("accept").addEventListener("click", accept);
  get("none").addEventListener("click", () => mark({ threshold: "above" }));
  get("wave").addEventListener("click", wave);
  get("remove").addEventListener("click", remove);
  get("smaller").addEventListener("click", () => { zoom /= 1.5; paint(); });
  get("larger").addEventListener("click", () => { zoom *= 1.5; paint(); });
  get("apply").addEventListener("click", () => queue(async () => {
    say("");
    const asked = await post("data/apply", { result });
    location.href = `/data?job=${asked.job}`;
  }));
  window.addEventListener("resize", () => shown && paint());
  queue(load);
})();
