"use strict";
(() => {
  const get = (id) => document.getElementById(id);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const BLUE = "#0072b2", RED = "#d55e00", SOFT = "#5c6770", INK = "#1c2329", LINE = "#e4e7e3";
  const OCTAVES = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64];
  const slider = get("dose"), map = get("map"), audiogram = get("audiogram"), strip = get("strip");
  let data, cells, vesicles, colours, rows, columns, size, last, dose, plot = null, playing = 0, taken = [];

  const power = (n) => "10" + String(n).replace(/./g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"["0123456789".indexOf(c)] || "⁻");
  const plain = (x, digits) => x.toFixed(digits).replace("-", "−");
  const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const log10 = (byte) => byte === 0 ? -Infinity : data.vesicles.floor + (byte - 1) * data.vesicles.step;

  function canvas(element) {
    const box = element.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    element.width = Math.round(box.width * ratio);
    element.height = Math.round(box.height * ratio);
    const pen = element.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    font(pen, 12);
    return { pen, width: box.width, height: box.height };
  }

  function font(pen, pixels, weight = 400) {
    pen.font = `${weight} ${pixels}px ${getComputedStyle(document.body).fontFamily}`;
  }

  function text(pen, words, x, y, align = "left", base = "middle", colour = SOFT) {
    pen.fillStyle = colour;
    pen.textAlign = align;
    pen.textBaseline = base;
    pen.fillText(words, x, y);
  }

  function line(pen, points, colour, width, dash = []) {
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.setLineDash(dash);
    pen.stroke();
    pen.setLineDash([]);
  }

  function steps(low, high, wanted) {
    const rough = (high - low) / wanted, decade = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * decade).find((s) => s >= rough * 0.999);
    const list = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) list.push(k * step);
    return { list, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  function column(kilohertz) {
    const rising = data.kilohertz[0] < data.kilohertz[columns - 1];
    for (let i = 1; i < columns; i++) {
      const [a, b] = [data.kilohertz[i - 1], data.kilohertz[i]];
      if (rising ? kilohertz <= b && kilohertz >= a : kilohertz >= b && kilohertz <= a)
        return i - 1 + Math.log(kilohertz / a) / Math.log(b / a);
    }
    return null;
  }

  // The map is painted small, one pixel a place and row, and stretched smoothly by the browser.
  function painted() {
    const small = document.createElement("canvas");
    small.width = columns;
    small.height = rows;
    const pen = small.getContext("2d"), image = pen.createImageData(columns, rows);
    for (let i = 0; i < size; i++) {
      const colour = 3 * cells[dose * size + i];
      image.data.set([colours[colour], colours[colour + 1], colours[colour + 2], 255], 4 * i);
    }
    pen.putImageData(image, 0, 0);
    return small;
  }

  // Marching squares: where the value crosses the level on the edges of each cell of the grid.
  function contour(level) {
    const at = (r, c) => Math.max(log10(vesicles[dose * size + r * columns + c]), level - 1) - level;
    const pieces = [];
    for (let r = 0; r < rows - 1; r++) {
      for (let c = 0; c < columns - 1; c++) {
        const corner = [at(r, c), at(r, c + 1), at(r + 1, c + 1), at(r + 1, c)];
        const sides = [[c, r, 1, 0], [c + 1, r, 0, 1], [c + 1, r + 1, -1, 0], [c, r + 1, 0, -1]];
        const cross = [];
        for (let k = 0; k < 4; k++) {
          const a = corner[k], b = corner[(k + 1) % 4];
          if ((a >= 0) !== (b >= 0)) cross.push([sides[k][0] + sides[k][2] * a / (a - b), sides[k][1] + sides[k][3] * a / (a - b)]);
        }
        for (let k = 0; k + 1 < cross.length; k += 2) pieces.push([cross[k], cross[k + 1]]);
      }
    }
    return pieces;
  }

  function drawMap() {
    const { pen, width, height } = canvas(map);
    plot = { left: 46, top: 46, right: width - 12, bottom: height - 42 };
    const { left, top, right, bottom } = plot;
    const x = (c) => left + (right - left) * c / (columns - 1);
    const day = (hours) => top + (bottom - top) * (hours - data.hours[0]) / (data.hours[1] - data.hours[0]);
    const y = (r) => top + (bottom - top) * r / (rows - 1);
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(painted(), 0.5, 0.5, columns - 1, rows - 1, left, top, right - left, bottom - top);
    mapAxes(pen, x, day, width);
    const given = data.doses[dose];
    taken = [];
    data.marks.forEach((mark, i) => {
      const named = data.marks.findIndex((other) => other.name === mark.name) === i;
      drawMark(pen, mark, day(mark.time), given > mark.time, named);
    });
    drawGiven(pen, day(given));
    drawContours(pen, x, y, day(given));
  }

  function mapAxes(pen, x, day, width) {
    const { left, top, right, bottom } = plot, length = data.distance[columns - 1], first = data.distance[0];
    const along = steps(first, length, width < 500 ? 5 : 9);
    for (const mm of along.list) {
      const at = left + (right - left) * (mm - first) / (length - first);
      line(pen, [[at, bottom], [at, bottom + 4]], SOFT, 1);
      text(pen, plain(mm, along.digits), at, bottom + 7, "center", "top");
    }
    let free = Infinity;
    for (const tone of OCTAVES.slice().reverse()) {
      const at = column(tone);
      if (at === null || Math.abs(x(at) - free) < 34) continue;
      free = x(at);
      line(pen, [[x(at), top - 4], [x(at), top]], SOFT, 1);
      text(pen, String(tone), x(at), top - 7, "center", "bottom");
    }
    const days = steps(data.hours[0] / 24, data.hours[1] / 24, 8);
    for (const d of days.list) text(pen, plain(d, days.digits), left - 8, day(24 * d), "right");
    text(pen, "base", left, 6, "left", "top", INK);
    text(pen, "best frequency, kHz", (left + right) / 2, 6, "center", "top");
    text(pen, "apex", right, 6, "right", "top", INK);
    text(pen, "mm from the base", (left + right) / 2, bottom + 25, "center", "top");
    pen.save();
    pen.translate(9, (top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    text(pen, "days after the first insult", 0, 0, "center");
    pen.restore();
  }

  function arrow(pen, y, colour) {
    pen.beginPath();
    pen.moveTo(plot.left - 7, y - 6);
    pen.lineTo(plot.left + 3, y);
    pen.lineTo(plot.left - 7, y + 6);
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1;
    pen.stroke();
  }

  function halo(pen, words, x, y, align, base) {
    pen.textAlign = align;
    pen.textBaseline = base;
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    pen.strokeStyle = "rgba(20, 26, 34, 0.72)";
    pen.strokeText(words, x, y);
    text(pen, words, x, y, align, base, "#fff");
  }

  // Lines are named above themselves, where no contour runs; one that shares its time with the dose, below.
  function drawMark(pen, mark, y, above, named) {
    line(pen, [[plot.left, y], [plot.right, y]], "rgba(255, 255, 255, 0.85)", 1.2, [5, 4]);
    arrow(pen, y, RED);
    if (named) name(pen, mark.name, plot.right - 8, y, above);
  }

  function drawGiven(pen, y) {
    line(pen, [[plot.left, y], [plot.right, y]], "rgba(20, 26, 34, 0.5)", 4.5);
    line(pen, [[plot.left, y], [plot.right, y]], "#fff", 2.5);
    arrow(pen, y, BLUE);
    font(pen, 12, 600);
    const names = data.marks.map((mark) => pen.measureText(mark.name).width);
    name(pen, "vesicles given", plot.right - 24 - Math.max(0, ...names), y, y > plot.top + 18);
  }

  // The dose is named beside the marks' names, so that the two stay apart where their times do not.
  function name(pen, words, right, y, above) {
    font(pen, 12, 600);
    taken.push({ x: right - pen.measureText(words).width, y: above ? y - 12 : y + 12 });
    halo(pen, words, right, above ? y - 5 : y + 5, "right", above ? "bottom" : "top");
    font(pen, 12);
  }

  function drawContours(pen, x, y, given) {
    const { left, top, right, bottom } = plot, labels = [];
    pen.save();
    pen.beginPath();
    pen.rect(left, given, right - left, bottom - given);
    pen.clip();
    for (const level of data.levels) {
      const pieces = contour(level).map((piece) => piece.map(([c, r]) => [x(c), y(r)]));
      for (const [colour, width] of [["rgba(20, 26, 34, 0.35)", 3], ["rgba(255, 255, 255, 0.95)", 1.2]]) {
        pen.beginPath();
        for (const [a, b] of pieces) {
          pen.moveTo(a[0], a[1]);
          pen.lineTo(b[0], b[1]);
        }
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.lineCap = "round";
        pen.stroke();
      }
      // A line is named on its later branch, each a little nearer to the base than the one before.
      const points = pieces.flat(), reach = Math.max(...points.map((p) => p[0]));
      const near = points.filter((p) => Math.abs(p[0] - left - (0.75 - 0.13 * labels.length) * (reach - left)) < 2 * (right - left) / columns);
      if (near.length) labels.push([power(level), ...near.reduce((latest, p) => (p[1] > latest[1] ? p : latest))]);
    }
    for (const [name, px, py] of labels) {
      const at = [Math.min(px, right - 30), Math.min(Math.max(py, top + 9), bottom - 9)];
      if (taken.some((other) => at[0] + 28 > other.x && at[0] < (other.end ?? right) && Math.abs(other.y - at[1]) < 14)) continue;
      taken.push({ x: at[0], end: at[0] + 28, y: at[1] });
      halo(pen, name, ...at, "left", "middle");
    }
    pen.restore();
  }

  function drawAudiogram() {
    const { pen, width, height } = canvas(audiogram), left = 38, top = 20, right = width - 14, bottom = height - 36;
    const tones = data.frequency, low = Math.log(tones[0] / 1.15), high = Math.log(tones[tones.length - 1] * 1.15);
    const deepest = Math.max(10, ...data.vehicle, ...data.shift.flat()) * 1.06;
    const least = Math.min(0, ...data.vehicle, ...data.shift.flat());
    const x = (tone) => left + (right - left) * (Math.log(tone) - low) / (high - low);
    const y = (shift) => top + (bottom - top) * (shift - least) / (deepest - least);
    for (const value of steps(least, deepest, 5).list) {
      line(pen, [[left, y(value)], [right, y(value)]], value === 0 ? "#aab1b4" : LINE, 1);
      text(pen, plain(value, 0), left - 7, y(value), "right");
    }
    text(pen, "threshold shift, dB", 0, 0, "left", "top");
    const octaves = OCTAVES.filter((tone) => tone >= tones[0] && tone <= tones[tones.length - 1]);
    for (const tone of tones.length > 8 ? octaves : tones)
      text(pen, String(tone), x(tone), bottom + 6, "center", "top");
    text(pen, "frequency, kHz", (left + right) / 2, bottom + 21, "center", "top");
    const treated = data.shift[dose].map((shift, i) => [x(tones[i]), y(shift)]);
    const vehicle = data.vehicle.map((shift, i) => [x(tones[i]), y(shift)]);
    pen.beginPath();
    [...treated, ...vehicle.slice().reverse()].forEach(([px, py], i) => (i ? pen.lineTo(px, py) : pen.moveTo(px, py)));
    pen.fillStyle = "rgba(0, 114, 178, 0.13)";
    pen.fill();
    line(pen, treated, BLUE, 2.6);
    for (const [px, py] of tones.length <= 12 ? treated : []) {
      pen.beginPath();
      pen.arc(px, py, 4.5, 0, 7);
      pen.fillStyle = "#fff";
      pen.fill();
      pen.strokeStyle = BLUE;
      pen.lineWidth = 2.4;
      pen.stroke();
    }
    line(pen, vehicle, RED, 2, [6, 4]);
    const dotted = tones.length <= 12;
    for (const [px, py] of dotted ? vehicle : []) {
      line(pen, [[px - 4, py - 4], [px + 4, py + 4]], RED, 2);
      line(pen, [[px - 4, py + 4], [px + 4, py - 4]], RED, 2);
    }
    font(pen, 13, 600);
    text(pen, dotted ? "✕ vehicle" : "- - vehicle", left + 6, bottom - 26, "left", "middle", RED);
    text(pen, dotted ? "◯ vesicles" : "— vesicles", left + 6, bottom - 9, "left", "middle", BLUE);
  }

  // Half the browser's slider thumb is kept free at both ends, so that the dot stands above the thumb.
  function drawStrip() {
    const { pen, width, height } = canvas(strip), left = 8, right = width - 8, top = 32, bottom = height - 20;
    const most = Math.max(1, ...data.kept) * 1.05, least = Math.min(0, ...data.kept);
    const x = (i) => left + (right - left) * i / last;
    const y = (kept) => bottom - (bottom - top) * (kept - least) / (most - least);
    const points = data.kept.map((kept, i) => [x(i), y(kept)]);
    pen.beginPath();
    pen.moveTo(left, y(0));
    points.forEach(([px, py]) => pen.lineTo(px, py));
    pen.lineTo(right, y(0));
    pen.fillStyle = "rgba(0, 114, 178, 0.13)";
    pen.fill();
    line(pen, [[left, y(0)], [right, y(0)]], "#aab1b4", 1);
    line(pen, points, BLUE, 2.2);
    const insult = data.doses.findIndex((hours) => hours >= Math.min(...data.marks.map((mark) => mark.time)));
    if (insult > 0) {
      const [a, b] = [data.doses[insult - 1], data.doses[insult]], first = Math.min(...data.marks.map((mark) => mark.time));
      const at = x(insult - 1 + (first - a) / (b - a));
      line(pen, [[at, top - 6], [at, bottom]], RED, 1.2, [3, 3]);
      text(pen, data.marks[0].name, at + 4, top - 4, "left", "middle", RED);
    }
    for (const i of [0, Math.round(last / 2), last])
      text(pen, `day ${plain(data.doses[i] / 24, Number.isInteger(data.doses[i] / 24) ? 0 : 1)}`, x(i), height - 2, i === 0 ? "left" : i === last ? "right" : "center", "bottom");
    const [px, py] = points[dose];
    pen.beginPath();
    pen.arc(px, py, 6, 0, 7);
    pen.fillStyle = BLUE;
    pen.fill();
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.stroke();
    font(pen, 13, 600);
    text(pen, `${plain(data.kept[dose], 1)} dB kept`, right, 8, "right", "middle", BLUE);
  }

  function drawScale() {
    const { pen, width, height } = canvas(get("scale"));
    for (let i = 0; i < width; i++) {
      const c = 3 * Math.round(255 * i / width);
      pen.fillStyle = `rgb(${colours[c]}, ${colours[c + 1]}, ${colours[c + 2]})`;
      pen.fillRect(i, 0, 1.5, height);
    }
  }

  function tell() {
    const end = cells.subarray(dose * size + size - columns, dose * size + size);
    const left = 100 * mean(Array.from(end)) / 255;
    const words = `Given ${data.given[dose]}: ${plain(left, 0)}\u00a0% of outer hair cells left, a mean shift of `
      + `${plain(data.means[0][dose], 1)} dB at ${data.tones.join(", ")} kHz (vehicle ${plain(data.means[1], 1)} dB).`;
    get("reading").textContent = words;
    slider.setAttribute("aria-valuetext", data.given[dose]);
  }

  function draw() {
    drawMap();
    drawAudiogram();
    drawStrip();
    drawScale();
  }

  function choose(index, remember = true) {
    dose = Math.min(Math.max(Math.round(index), 0), last);
    slider.value = String(dose);
    if (remember) history.replaceState(null, "", `#dose=${dose}`);
    slider.dispatchEvent(new CustomEvent("chosen", { detail: dose, bubbles: true }));
    tell();
    draw();
  }

  function fromAddress() {
    const asked = /^#dose=(\d{1,3})$/.exec(location.hash);
    return asked ? Number(asked[1]) : null;
  }

  function place(event) {
    const box = map.getBoundingClientRect();
    const c = (event.clientX - box.left - plot.left) / (plot.right - plot.left) * (columns - 1);
    const r = (event.clientY - box.top - plot.top) / (plot.bottom - plot.top) * (rows - 1);
    return c < 0 || r < 0 || c > columns - 1 || r > rows - 1 ? null : [Math.round(c), Math.round(r)];
  }

  function probe(event) {
    const here = place(event);
    if (!here) return;
    const [c, r] = here, at = dose * size + r * columns + c, there = log10(vesicles[at]);
    const day = (data.hours[0] + (data.hours[1] - data.hours[0]) * r / (rows - 1)) / 24;
    get("probe").textContent = `${plain(data.distance[c], 1)} mm, ${plain(data.kilohertz[c], 1)} kHz, day ${plain(day, 1)}: `
      + `${plain(100 * cells[at] / 255, 0)} % left, ${Number.isFinite(there) ? power(Math.round(there)) : "no"} vesicles per µL`;
  }

  function give(event) {
    const here = place(event);
    if (!here) return;
    const hours = data.hours[0] + (data.hours[1] - data.hours[0]) * here[1] / (rows - 1);
    choose(data.doses.reduce((best, time, i) => (Math.abs(time - hours) < Math.abs(data.doses[best] - hours) ? i : best), 0));
  }

  // The dose is dragged over the days while the button is down; a finger scrolls the page, and taps.
  function drag(event) {
    if (event.pointerType === "mouse" && event.buttons === 1) give(event);
    probe(event);
  }

  function play() {
    const button = get("play");
    if (playing) clearInterval(playing);
    playing = playing ? 0 : setInterval(() => choose(dose === last ? 0 : dose + 1), 420);
    button.textContent = playing ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(Boolean(playing)));
    get("reading").setAttribute("aria-live", playing ? "off" : "polite");
  }

  // Draw a window: the one that came with the page, or another that the page was given since.
  function take(packed, first) {
    data = packed;
    cells = bytes(data.cells);
    vesicles = bytes(data.vesicles.bytes);
    colours = bytes(data.colours);
    ({ rows, columns } = data);
    size = rows * columns;
    last = data.doses.length - 1;
    slider.max = String(last);
    get("stage").hidden = false;
    if (get("still")) get("still").hidden = true;
    choose(first ?? data.start, false);
  }

  slider.addEventListener("input", () => choose(Number(slider.value)));
  get("play").addEventListener("click", play);
  map.addEventListener("pointermove", (event) => data && drag(event));
  map.addEventListener("click", (event) => data && give(event));
  window.addEventListener("hashchange", () => data && choose(fromAddress() ?? data.start, false));
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  document.addEventListener("window", (event) => take(event.detail.packed, event.detail.dose));
  const own = get("window-data");
  if (own) take(JSON.parse(own.textContent), fromAddress());
  new ResizeObserver(() => data && draw()).observe(get("stage"));
})();
