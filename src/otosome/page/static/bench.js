"use strict";
// What every room shares: questions become jobs, jobs show how far they are, files are dropped, lines are copied.
const bench = (() => {
  const OPEN = ["waiting", "running"];
  const known = new Map();
  const get = (id) => document.getElementById(id);

  function make(tag, attributes = {}, ...parts) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value != null) element.setAttribute(name, value);
    }
    element.append(...parts);
    return element;
  }

  function say(sentence) {
    const box = get("said");
    box.textContent = sentence;
    box.hidden = !sentence;
    if (sentence) box.scrollIntoView({ block: "nearest" });
  }

  function sentence(fault) {
    const place = [fault.file, fault.key].filter(Boolean).join(": ");
    const parts = [place ? `${place}: ${fault.message}` : fault.message];
    if (fault.given) parts.push(`given: ${fault.given}`);
    if (fault.allowed) parts.push(`allowed: ${[].concat(fault.allowed).join(", ")}`);
    if (fault.cure) parts.push(fault.cure);
    return parts.join("; ");
  }

  async function api(path, options = {}) {
    let answer;
    try {
      answer = await fetch(`/api/${path}`, options);
    } catch {
      throw new Error("otosome does not answer: it was ended. Start it again; nothing is lost.");
    }
    if (answer.ok) return answer.json();
    const text = await answer.text();
    let fault = null;
    try { fault = JSON.parse(text).error; } catch { /* A sentence, not an object. */ }
    throw new Error(fault ? sentence(fault) : text);
  }

  const post = (path, body) => api(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });

  function duration(seconds) {
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return `${(seconds / 3600).toFixed(1)} h`;
  }

  const count = (n) => n.toLocaleString("en");

  function words(job) {
    const p = job.progress;
    if (job.state === "waiting") return "waits for the jobs before it";
    if (job.state === "running" && p && p.of <= 1 && !p.done) return p.doing;
    if (job.state === "running") return p ? [`${p.doing}: ${count(p.done)} of ${count(p.of)}${p.unit && ` ${p.unit}`}`, p.pace, p.left && `${duration(p.left)} left`].filter(Boolean).join(", ") : "begins";
    if (job.state === "done") return "done";
    if (job.state === "cancelled") return job.why || "cancelled; nothing was replaced";
    if (job.state === "ended") return "ended without an answer: otosome or the machine was stopped. Nothing was lost.";
    return job.error ? sentence(job.error) : job.why;
  }

  function bar(job) {
    const p = job.progress;
    const attributes = { "aria-label": `${job.title}: ${words(job)}` };
    if (p && (p.of > 1 || p.done)) Object.assign(attributes, { max: p.of, value: p.done });
    return make("progress", attributes);
  }

  function button(text, act, kind = "small") {
    return make("button", { type: "button", class: kind, on: { click: act } }, text);
  }

  function acts(job) {
    const parts = [];
    if (OPEN.includes(job.state)) parts.push(button("Cancel", () => change(job, "cancel")));
    if (["cancelled", "ended", "refused"].includes(job.state)) parts.push(button(job.resumes ? "Resume" : "Run again", () => change(job, "again")));
    return parts;
  }

  async function change(job, act) {
    try {
      const next = await post(`jobs/${job.id}/${act}`);
      if (act === "again" && shown() === job.id) location.search = `?job=${next.id}`;
      await look();
    } catch (error) { say(error.message); }
  }

  const shown = () => new URLSearchParams(location.search).get("job");

  function command(line) {
    const code = make("code", {}, line);
    return make("p", { class: "command" }, code, make("button", { type: "button", class: "copy", "data-copy": line }, "Copy"));
  }

  function card(job) {
    const lines = job.state === "running" || job.state === "waiting" ? [bar(job)] : [];
    const buttons = acts(job);
    if (job.link && job.state === "done") buttons.unshift(make("a", { href: job.link }, "Show the result"));
    return make("article", { class: `job ${job.state}`, "data-state": job.state },
      make("h3", {}, `otosome ${job.verb} · ${job.title}`), make("p", {}, words(job)), ...lines, command(job.command),
      ...(buttons.length ? [make("div", { class: "buttons" }, ...buttons)] : []));
  }

  function tray(jobs) {
    const recent = jobs.filter((job) => OPEN.includes(job.state) || (known.has(job.id) && known.get(job.id) !== "seen"));
    const list = get("jobs");
    if (!list) return;
    list.closest("section").hidden = recent.length === 0;
    list.replaceChildren(...recent.slice(0, 6).map((job) => {
      const name = job.link && job.state === "done" ? make("a", { href: job.link }, job.title) : make("b", {}, job.title);
      const parts = [name, ` ${job.state === "done" ? "is done" : words(job)}`];
      if (OPEN.includes(job.state)) parts.push(bar(job));
      parts.push(make("span", { class: "buttons" }, ...acts(job)));
      return make("li", { "data-state": job.state }, ...parts);
    }));
  }

  function place(job) {
    const holder = get("job");
    if (!holder) return;
    const text = JSON.stringify(job);
    if (holder.dataset.job === text) return;
    holder.dataset.job = text;
    holder.replaceChildren(card(job));
    holder.dispatchEvent(new CustomEvent("job", { detail: job, bubbles: true }));
    if (job.state === "done" && job.link && !holder.dataset.stay) location.replace(job.link);
  }

  // A job that was just asked is looked at often, for most are done in a moment; one that goes on, less often.
  const AT_FIRST = 24;
  let timer = 0, failing = false, often = AT_FIRST;
  async function look() {
    clearTimeout(timer);
    let busy = false;
    try {
      const jobs = await api("jobs?most=30");
      if (failing) say("");
      failing = false;
      for (const job of jobs) {
        const open = OPEN.includes(job.state);
        busy ||= open;
        if (!known.has(job.id)) known.set(job.id, open ? "watched" : "seen");
        else if (open) known.set(job.id, "watched");
      }
      tray(jobs);
      const wanted = shown();
      if (wanted && get("job")) place(jobs.find((job) => job.id === wanted) ?? await api(`jobs/${wanted}`));
    } catch (error) {
      failing = true;
      say(error.message);
    }
    timer = setTimeout(look, document.hidden ? 5000 : !busy ? 3000 : often-- > 0 ? 200 : 800);
  }

  async function ask(verb, body) {
    const job = await post(`ask/${verb}`, body);
    known.set(job.id, "watched");
    often = AT_FIRST;
    return job;
  }

  // A job once it has ended; an error says in its sentence why it gave no answer.
  async function finished(job) {
    while (OPEN.includes(job.state)) {
      await new Promise((go) => setTimeout(go, often-- > 0 ? 150 : 600));
      job = await api(`jobs/${job.id}`);
    }
    known.set(job.id, "seen");
    if (job.state !== "done") throw new Error(words(job));
    return job;
  }

  // Begin a file (otosome new); gives its id.
  const begin = async (kind, body) => (await finished(await ask("new", { kind, ...body }))).result;

  // What a person has changed in a form of a file is written before anything is asked of it.
  async function keep(form) {
    const changes = [];
    for (const field of form.querySelectorAll("[data-field]")) {
      const value = field.type === "checkbox" ? String(field.checked) : field.value;
      if (value !== field.dataset.was) changes.push({ name: field.dataset.field, value: value === "" ? null : value });
    }
    if (!changes.length) return;
    const saved = await post(`texts/${form.dataset.file}/fields`, { mark: form.dataset.mark, changes });
    form.dataset.mark = saved.mark;
    for (const field of form.querySelectorAll("[data-field]")) field.dataset.was = field.type === "checkbox" ? String(field.checked) : field.value;
  }

  function values(form) {
    const body = {};
    for (const field of form.elements) {
      if (!field.name || field.disabled || field.value === "") continue;
      if (field.type === "checkbox") { if (field.checked) put(body, field, field.dataset.value === undefined ? true : field.dataset.value); }
      else if (field.type === "radio") { if (field.checked) put(body, field, field.value); }
      else if (field.type === "number") put(body, field, Number(field.value));
      else put(body, field, field.value);
    }
    return body;
  }

  // A field whose data-list is set holds one of several values.
  function put(body, field, value) {
    if (field.dataset.list === undefined) body[field.name] = value;
    else (body[field.name] ??= []).push(value);
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.keep !== undefined) {
      event.preventDefault();
      say("");
      try {
        await keep(form);
        form.querySelector("button").textContent = "Kept";
      } catch (error) { say(error.message); }
      return;
    }
    if (!form.dataset.verb) return;
    event.preventDefault();
    say("");
    const main = form.querySelector("button:not([type=button])");
    main.disabled = true;
    try {
      if (form.dataset.file) await keep(form);
      let job = await ask(form.dataset.verb, values(form));
      if (form.dataset.after) {
        look();
        main.textContent = "Working ...";
        job = await finished(job);
        location.href = form.dataset.after + job.id;
        return;
      }
      location.href = `${location.pathname}?job=${job.id}`;
    } catch (error) {
      say(error.message);
      main.disabled = false;
    }
  });

  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.dataset.go !== undefined && field.form) field.form.requestSubmit();
  });

  document.addEventListener("click", async (event) => {
    const start = event.target.closest("[data-begin]");
    if (!start || start.hasAttribute("data-drop")) return;
    start.disabled = true;
    say("");
    try {
      const body = {};
      if (start.dataset.paths) body.paths = start.dataset.paths.split(",");
      const source = start.form?.elements.source;
      if (source) body.source = source.value;
      location.href = start.dataset.then + await begin(start.dataset.begin, body);
    } catch (error) {
      say(error.message);
      start.disabled = false;
    }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-save]");
    if (!button) return;
    say("");
    try {
      const box = get("text");
      await post(`texts/${button.dataset.save}`, { mark: button.dataset.mark, text: box.value });
      location.reload();
    } catch (error) { say(error.message); }
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-doubt]");
    if (!button) return;
    try {
      await post(`sources/${button.dataset.doubt}`, { withdrawn: button.dataset.withdrawn === "true" });
      location.reload();
    } catch (error) { say(error.message); }
  });

  // A word typed above a list leaves what holds it.
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.dataset.filter) return;
    const word = field.value.toLowerCase();
    for (const row of document.querySelectorAll(field.dataset.filter)) row.hidden = word ? !row.textContent.toLowerCase().includes(word) : row.dataset.folded !== undefined;
  });

  // The rest of a long list.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-unfold]");
    if (!button) return;
    for (const row of document.querySelectorAll(`${button.dataset.unfold} [data-folded]`)) {
      row.hidden = false;
      delete row.dataset.folded;
    }
    button.remove();
  });

  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    await navigator.clipboard.writeText(copy.dataset.copy);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });

  // Files of a drop, a folder with all that is in it; each with the path it has there.
  async function entries(entry, path) {
    if (entry.isFile) return [[path + entry.name, await new Promise((yes, no) => entry.file(yes, no))]];
    const reader = entry.createReader(), all = [];
    for (;;) {
      const some = await new Promise((yes, no) => reader.readEntries(yes, no));
      if (!some.length) break;
      for (const inner of some) if (!inner.name.startsWith(".")) all.push(...await entries(inner, `${path}${entry.name}/`));
    }
    return all;
  }

  // Send files, then have them laid together; gives the ids of what lies there.
  async function send(files, name, tell = () => {}) {
    const list = [];
    let next = 0;
    async function some() {
      while (next < files.length) {
        const [path, file] = files[next++];
        if (file.size > 50e6) throw new Error(`${path} is larger than 50 MB; split it.`);
        const arrived = await api("files", { method: "POST", body: file });
        list.push({ path, sha256: arrived.sha256 });
        tell(list.length, files.length);
      }
    }
    if (files.length > 2000) throw new Error(`${files.length} files are more than 2,000; drop a folder inside.`);
    await Promise.all([some(), some(), some(), some()]);
    return post("drops", { name, files: list });
  }

  async function dropped(box, files) {
    const bar = box.querySelector("progress");
    say("");
    if (!files.length) return;
    bar.hidden = false;
    try {
      const first = files[0][0];
      const name = first.includes("/") ? first.split("/")[0] : first.replace(/\.[^.]*$/, "") || first;
      const laid = await send(files, name, (done, of) => { bar.max = of; bar.value = done; });
      const event = new CustomEvent("dropped", { detail: laid, bubbles: true, cancelable: true });
      const own = laid.files.find((file) => file.kind === box.dataset.kind);
      if (own) location.href = box.dataset.then + own.id;
      else if (box.dataset.begin) {
        box.querySelector("b").textContent = "Reading ...";
        location.href = box.dataset.then + await begin(box.dataset.begin, { paths: [laid.id] });
      } else if (box.dispatchEvent(event)) {
        const then = box.dataset.then ?? location.pathname;
        location.href = `${then}?drop=${laid.id}`;
      }
    } catch (error) {
      say(error.message);
    } finally {
      bar.hidden = true;
    }
  }

  for (const box of document.querySelectorAll("[data-drop]")) {
    box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", async (event) => {
      event.preventDefault();
      box.classList.remove("over");
      const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
      dropped(box, (await Promise.all(items.map((item) => entries(item, "")))).flat());
    });
    for (const input of box.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => dropped(box, [...input.files].filter((file) => !file.name.startsWith(".")).map((file) => [file.webkitRelativePath || file.name, file])));
    }
  }
  // A file that misses the box is not opened in the page's place.
  for (const event of ["dragover", "drop"]) document.addEventListener(event, (e) => e.preventDefault());

  look();
  return { api, ask, begin, button, command, finished, get, keep, known, look, make, post, say, send, sentence, values, words };
})();
