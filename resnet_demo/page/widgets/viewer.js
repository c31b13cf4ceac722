// Heat over a photo, drawn here so that class, region, opacity, colours and before/after answer without the server.
// Gradio runs this once the component is there, with element, props, server and watch.

const find = (selector) => element.querySelector(selector);
const root = find(".viewer"), kind = root.dataset.kind, holder = element.closest("[id]:not([id^=html-])") || element;
const canvas = find(".viewer-canvas"), context = canvas.getContext("2d"), frame = find(".viewer-frame");
const knobs = Object.fromEntries(
  ["opacity", "split", "colours", "greys", "stage", "direction", "points", "heat", "spread"].map((name) => [name, find("." + name)]));
const tables = Object.fromEntries(Object.entries(props.tables).map(([name, text]) =>
  [name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]));
const SMALL = 80; // pixels of a stage's small picture, twice as many as are shown
const FINE = 24; // steps a cell is divided into before the canvas smooths the rest
let photo = null, what = "", asked = 0, smallDrawn = "", waiting = false, local = null, truth = null;
let wish = null; // the region that was chosen while an answer was on its way
// Without the server Gradio's functions give nothing.
const call = async (name, data) => (await server[name](data)) || { error: text("lost") };

// --- A map's numbers, scaled as Pillow's bicubic filter does ---
function weights(cells, fine) {
  const cubic = (x) => (x = Math.abs(x)) < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  return Array.from({ length: fine }, (_, at) => {
    const centre = ((at + 0.5) * cells) / fine, row = [];
    for (let cell = Math.max(0, Math.floor(centre - 2)); cell < Math.min(cells, centre + 2); cell++)
      row.push([cell, cubic(cell + 0.5 - centre)]);
    const sum = row.reduce((total, [, weight]) => total + weight, 0);
    return row.map(([cell, weight]) => [cell, weight / sum]);
  });
}
function smooth(cells, side = 400) {
  const rows = cells.length, columns = cells[0].length, fine = Math.max(2, Math.min(FINE, Math.round(side / columns)));
  const across = weights(columns, columns * fine), down = weights(rows, rows * fine);
  const wide = cells.map((row) => across.map((parts) => parts.reduce((sum, [cell, weight]) => sum + weight * row[cell], 0)));
  return down.map((parts) => across.map((_, x) => parts.reduce((sum, [cell, weight]) => sum + weight * wide[cell][x], 0)));
}

// --- What is shown ---
const stage = () => find(".stage :checked").value, direction = () => find(".direction :checked")?.value;
const signed = () => kind === "regions" && direction() !== "any";
const hot = () => knobs.heat ? knobs.heat.checked : true;
const key = (at = stage()) => (direction() ? `${what}/${direction()}/${at}` : `${what}/${at}`);
const text = (name) => (props.value.texts || {})[name] || "";

// The maps of one place → its heat as a small picture with transparency, as render.overlay and signed_overlay have it.
function heat(cells, opacity, side) {
  const values = smooth(cells, side), rows = values.length, columns = values[0].length;
  const table = tables[signed() ? "signed" : knobs.colours.value], picture = new ImageData(columns, rows);
  // Each face has a square of its own, whose edge says nothing.
  const edge = (at, whole) => kind === "regions" ? Math.min(1, (8 * Math.min(at + 0.5, whole - at - 0.5)) / whole) : 1;
  values.forEach((row, y) => row.forEach((value, x) => {
    const level = Math.round(255 * Math.min(1, Math.max(0, signed() ? (value + 1) / 2 : value))), at = 4 * (y * columns + x);
    picture.data.set(table.subarray(3 * level, 3 * level + 3), at);
    picture.data[at + 3] = 255 * opacity * Math.min(1, 1.5 * (signed() ? Math.abs(value) : Math.max(0, value)))
      * edge(x, columns) * edge(y, rows);
  }));
  const small = new OffscreenCanvas(columns, rows);
  small.getContext("2d").putImageData(picture, 0, 0);
  return small;
}

function drawHeat(target, opacity, cut = 0) {
  const maps = (props.value.maps || {})[key()];
  if (!maps) return;
  target.save();
  target.beginPath();
  target.rect(cut, 0, canvas.width - cut, canvas.height);
  target.clip();
  target.imageSmoothingQuality = "high";
  maps.forEach((text, place) => {
    const cells = JSON.parse(text);
    target.setTransform(...props.value.places[place]);
    target.drawImage(heat(cells, opacity), 0, 0, ...props.value.grid); // A finer map has the same extent.
  });
  target.restore();
}

function draw() {
  const empty = !photo;
  root.classList.toggle("is-empty", empty);
  for (const part of element.querySelectorAll("input, select, button")) part.disabled = empty || waiting;
  knobs.colours.disabled = empty || signed();
  legend();
  line();
  if (empty || waiting) return;
  const view = props.value, cut = Math.round((canvas.width * knobs.split.value) / 100);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  if (knobs.greys.checked && knobs.opacity.value > 0 && hot() && (view.maps || {})[key()]?.length) { // Red heat would be lost on a red flower.
    context.globalCompositeOperation = "saturation";
    context.fillStyle = "#808080";
    context.fillRect(cut, 0, canvas.width - cut, canvas.height);
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "rgb(0 0 0 / 0.2)";
    context.fillRect(cut, 0, canvas.width - cut, canvas.height);
  }
  if (view.window) { // What lies outside the network did not see.
    const [left, top, right, bottom] = view.window.map(Math.round);
    context.fillStyle = "rgb(0 0 0 / 0.3)";
    context.beginPath();
    context.rect(cut, 0, canvas.width - cut, canvas.height);
    context.rect(Math.max(left, cut), top, Math.max(0, right - Math.max(left, cut)), bottom - top);
    context.fill("evenodd");
  }
  if (hot()) drawHeat(context, knobs.opacity.value / 100, cut);
  truth?.paint(context);
  if (knobs.points?.checked || knobs.spread?.checked) drawPoints(cut, knobs.points.checked);
  canvas.setAttribute("aria-label", `${view.name}: ${(view.names || {})[what] || what}`);
  code();
  smallPictures();
  holder.dataset.what = what;
  holder.dataset.drawn = `${view.token}/${key()}`;
}

// The points of each face, as draw_landmarks draws them; several faces are numbered from left to right.
function drawPoints(cut, marked) {
  const faces = props.value.points || [], scale = props.value.scale;
  const left = (face) => Math.min(...face.map(([x]) => x));
  const order = [...faces].sort((one, other) => left(one) - left(other));
  context.save();
  context.beginPath();
  context.rect(cut, 0, canvas.width - cut, canvas.height);
  context.clip();
  const spreads = (knobs.spread.checked && props.value.spread) || [];
  for (const [index, face] of order.entries()) {
    const spread = spreads[faces.indexOf(face)];
    const points = face.map(([x, y]) => [x * scale, y * scale]), ys = points.map(([, y]) => y);
    const size = Math.max(...ys) - Math.min(...ys), thick = Math.min(6, Math.max(1.5, size / 110));
    const lines = points.length === 68 && marked ? props.contours : [];
    context.lineJoin = context.lineCap = "round";
    for (const [region, first, last, closed] of lines) {
      context.beginPath();
      points.slice(first, last).forEach(([x, y]) => context.lineTo(x, y));
      if (closed) context.closePath();
      for (const [colour, width] of [["rgb(16 18 24 / 0.6)", 2 * thick], [props.colours[region], thick]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.stroke();
      }
    }
    for (const [point, [x, y]] of spread ? points.entries() : []) {
      context.beginPath();
      // Three times the spread: a pixel or two would lie under the point itself.
      context.arc(x, y, 3 * spread[point] * scale, 0, 7);
      context.fillStyle = "rgb(255 255 255 / 0.25)";
      context.strokeStyle = "#fff";
      context.lineWidth = 1;
      context.fill();
      context.stroke();
    }
    for (const [x, y] of marked ? points : []) {
      context.beginPath();
      context.arc(x, y, 1.3 * thick, 0, 7);
      context.fillStyle = "#fff";
      context.strokeStyle = "rgb(16 18 24 / 0.8)";
      context.lineWidth = thick / 2;
      context.fill();
      context.stroke();
    }
    if (faces.length > 1) plate(String(index + 1), left(points), Math.min(...ys), Math.min(40, Math.max(14, size / 6)));
  }
  context.restore();
}
function plate(number, x, y, size) {
  context.font = `600 ${size}px system-ui, sans-serif`;
  const width = context.measureText(number).width + size * 0.8;
  const left = Math.max(0, x - width / 2), top = Math.max(0, y - size * 1.7);
  context.fillStyle = "rgb(16 18 24 / 0.8)";
  context.fillRect(left, top, width, size * 1.35);
  context.fillStyle = "#fff";
  context.textBaseline = "middle";
  context.fillText(number, left + size * 0.4, top + size * 0.7);
}

// The line between the photo and its heat, where the browser shows the canvas.
function line() {
  const part = find(".viewer-line"), share = knobs.split.value / 100;
  part.hidden = !photo || waiting;
  part.style.left = `${canvas.offsetLeft + share * canvas.offsetWidth}px`;
  part.style.top = `${canvas.offsetTop}px`;
  part.style.height = `${canvas.offsetHeight}px`;
  part.style.setProperty("--share", share);
}

function legend() {
  const bar = find(".viewer-legend canvas"), picture = new ImageData(256, 1);
  const table = tables[signed() ? "signed" : knobs.colours.value];
  for (let level = 0; level < 256; level++) picture.data.set([...table.subarray(3 * level, 3 * level + 3), 255], 4 * level);
  bar.getContext("2d").putImageData(picture, 0, 0);
  const name = signed() ? direction() + "_" : "";
  find(".low").textContent = text(name + "low");
  find(".high").textContent = text(name + "high");
}

// How fine each stage is: what the network saw, of faces the first one, in the stage's cells, with its heat once it is
// known.
function smallPictures() {
  const view = props.value, maps = view.maps || {}, at = props.stages.map((one) => [one, key(one)]);
  const mine = [view.token, what, direction(), knobs.colours.value, ...at.map(([, name]) => name in maps)].join();
  if (mine === smallDrawn) return;
  smallDrawn = mine;
  for (const [index, [one, name]] of at.entries()) {
    const small = find(`.stage [value=${one}] ~ canvas`), target = small.getContext("2d");
    target.reset();
    if (!view.places.length) continue;
    const times = 2 ** (at.length - 1 - index), [columns, rows] = view.grid.map((count) => count * times);
    const cells = new OffscreenCanvas(columns, rows), inner = cells.getContext("2d");
    inner.imageSmoothingQuality = "high";
    inner.setTransform(new DOMMatrix([times, 0, 0, times, 0, 0]).multiply(new DOMMatrix(view.places[0]).inverse()));
    inner.drawImage(photo, 0, 0, canvas.width, canvas.height);
    target.imageSmoothingEnabled = false;
    if (maps[name]) target.filter = "grayscale(1) brightness(0.8)";
    target.drawImage(cells, 0, 0, SMALL, SMALL);
    target.filter = "none";
    target.imageSmoothingEnabled = true;
    if (maps[name]) target.drawImage(heat(JSON.parse(maps[name][0]), 0.8, SMALL), 0, 0, SMALL, SMALL);
  }
}

// The code for what is on screen, each with a button that copies it.
function code() {
  const view = props.value, page = (location.origin + location.pathname).replace(/\/+$/, "");
  const values = { what: (view.labels || {})[what] || what, stage: stage(), direction: direction(), page };
  const fill = (line) => line.replace(/\{(what|stage|direction|page)\}/g, (_, name) => values[name]);
  find(".viewer-code div").replaceChildren(...(view.code || []).flatMap(([language, line]) => {
    const head = document.createElement("p"), name = document.createElement("b"), copy = document.createElement("button");
    const block = document.createElement("pre");
    name.textContent = language;
    copy.type = "button";
    copy.textContent = text("copy");
    copy.setAttribute("aria-label", `${text("copy")}: ${language}`);
    block.textContent = fill(line);
    block.tabIndex = 0;
    copy.onclick = async () => {
      await navigator.clipboard.writeText(block.textContent);
      copy.textContent = text("copied");
      setTimeout(() => (copy.textContent = text("copy")), 2000);
    };
    head.append(name, copy);
    return [head, block];
  }));
}

// --- Answers ---
async function show(next) {
  if (next !== undefined && next !== null) what = String(next);
  const view = props.value;
  if (!photo || (view.maps || {})[key()]) return draw();
  const mine = ++asked, keys = props.stages.map((one) => [one, key(one)]);
  frame.dataset.busy = text("busy");
  const answer = await call("stage_maps", { token: view.token, what, direction: direction() });
  if (mine === asked) frame.dataset.busy = "";
  if (answer.error) return complain(answer.error);
  for (const [one, name] of keys) if (answer.maps[one]) view.maps[name] = answer.maps[one];
  if (mine === asked) draw();
}

function complain(sentence) {
  const line = find(".viewer-empty");
  line.textContent = sentence;
  line.classList.add("is-error");
  setTimeout(() => line.classList.remove("is-error"), 6000);
}

// How steady the points are is asked once, when somebody wants to see it.
async function askSpread() {
  const view = props.value, mine = asked;
  if (!photo || waiting || !knobs.spread?.checked || view.spread || !view.points?.length) return;
  frame.dataset.busy = text("busy");
  const answer = await call("spreads", { token: view.token });
  if (mine === asked) frame.dataset.busy = "";
  if (answer.error) return complain(answer.error);
  view.spread = answer.spread;
  if (view === props.value && !waiting) draw();
}

// A photo was chosen: it stands in the frame before the server has seen it.
function awaitAnswer(chosen) {
  waiting = true;
  asked++;
  delete holder.dataset.drawn;
  find(".viewer-badge").textContent = chosen.badge || "";
  frame.dataset.busy = text("looking");
  const picture = new Image(), mine = asked;
  local = null;
  picture.onload = () => {
    if (mine !== asked) return;
    local = picture;
    const scale = Math.min(1, props.side / Math.max(picture.width, picture.height));
    photo = picture;
    [canvas.width, canvas.height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    canvas.setAttribute("aria-label", chosen.name || "");
    draw();
  };
  picture.src = chosen.url;
  draw();
}

// Whether the file that was chosen is what the server shows: then it need not come back.
const isLocal = (address) =>
  local && decodeURIComponent(address) === `gradio_api/file=${(window.resnet.asked[holder.id] || {}).path}`;

function load() {
  const view = props.value || {}, wanted = window.resnet.asked[holder.id];
  if (waiting && wanted && view.photo && view.file !== wanted.file) return; // Of the photo before.
  for (const part of element.querySelectorAll("[data-text]")) part.textContent = text(part.dataset.text);
  if (find(".to-compare")) find(".to-compare").hidden = Boolean(view.photo && !wanted); // It is no photo that travels.
  find(".viewer-empty").textContent = text("empty");
  find(".viewer-empty").classList.remove("is-error");
  for (const name of ["stage", "direction"])
    for (const input of knobs[name]?.querySelectorAll("input") || [])
      input.nextSibling.textContent = text(`${name}_${input.value}`);
  smallDrawn = "";
  knobs.split.setAttribute("aria-label", text("split"));
  if (knobs.spread) knobs.spread.closest("label").title = text("spread_hint");
  asked++;
  waiting = false;
  frame.dataset.busy = "";
  if (!view.photo) {
    photo = null;
    delete holder.dataset.drawn;
    return draw();
  }
  const picture = isLocal(view.photo) ? local : new Image();
  const shown = () => {
    if (props.value !== view && (props.value || {}).token !== view.token) return; // Another photo came meanwhile.
    photo = picture;
    [canvas.width, canvas.height] = [view.width, view.height];
    show(kind === "regions" && wish in (view.names || {}) ? wish : view.what);
    wish = null;
    askSpread();
  };
  if (picture === local) return shown();
  picture.onload = shown;
  picture.src = view.photo;
}

// --- Files ---
function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
const fileName = (ending) => `${props.value.name}-${((props.value.labels || {})[what] || what).replace(/[^\p{L}\p{N}]+/gu, "-")}${ending}`;
function savePicture(part, ending) {
  const copy = new OffscreenCanvas(canvas.width, canvas.height), target = copy.getContext("2d");
  part(target);
  copy.convertToBlob({ type: "image/png" }).then((blob) => saveBlob(blob, fileName(ending)));
}
const saveText = (content, type, ending) =>
  saveBlob(new Blob([content], { type }), `${props.value.name}-keypoints${ending}`);
find(".take-overlay").onclick = () => savePicture((target) => target.drawImage(canvas, 0, 0), "-overlay.png");
find(".take-heat").onclick = () => savePicture((target) => drawHeat(target, 1), "-heat.png");
find(".take-npy").onclick = async () => {
  const answer = await call("heat_file", { token: props.value.token, what, stage: stage(), direction: direction() });
  if (answer.error) return complain(answer.error);
  save(answer.url, fileName(".npy"));
};
find(".take-csv").onclick = () => {
  const names = (props.value.points[0] || []).flatMap((_, point) => [`x${point}`, `y${point}`]);
  const rows = props.value.points.map((points, face) => [face + 1, ...points.flat()].join(","));
  saveText([["face", ...names].join(","), ...rows, ""].join("\n"), "text/csv", ".csv");
};
find(".take-json").onclick = () => saveText(JSON.stringify(props.value.points), "application/json", ".json");

// --- Controls ---
for (const name of Object.keys(tables).filter((name) => name !== "signed")) knobs.colours.add(new Option(name, name));
for (const [name, values] of [["stage", [...props.stages].reverse()], ["direction", props.directions]])
  values.forEach((value, index) => {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: `${holder.id}-${name}`, value, checked: !index });
    label.append(input, document.createElement("span"));
    if (name === "stage") {
      label.title = value; // as programs say it
      label.append(Object.assign(document.createElement("canvas"), { width: SMALL, height: SMALL }));
    }
    knobs[name].append(label);
  });
for (const part of element.querySelectorAll(kind === "regions" ? ".for-classes" : ".for-regions")) part.remove();
for (const name of Object.keys(knobs)) if (!knobs[name].isConnected) delete knobs[name];
for (const name of ["opacity", "split", "colours", "greys", "points", "heat", "spread"]) knobs[name]?.addEventListener("input", draw);
knobs.spread?.addEventListener("input", askSpread);
for (const name of ["opacity", "colours"]) { // as the visitor had them last time
  const kept = window.resnet?.kept()[`viewer.${name}`];
  if (name === "opacity" ? kept >= 0 && kept <= 100 : kept in tables && kept !== "signed") knobs[name].value = kept;
  knobs[name].addEventListener("change", () => window.resnet?.save(`viewer.${name}`, knobs[name].value));
}
knobs.greys.checked = window.resnet?.kept()["viewer.greys"] !== false;
knobs.greys.addEventListener("change", () => window.resnet?.save("viewer.greys", knobs.greys.checked));
for (const name of ["stage", "direction"]) knobs[name]?.addEventListener("input", () => show());
let before = null; // where the line was when a finger came down, which may be about to scroll
const slide = (event) => {
  if (!photo || waiting || truth?.active()) return;
  const box = canvas.getBoundingClientRect();
  knobs.split.value = Math.round((100 * (event.clientX - box.left)) / box.width);
  draw();
};
canvas.addEventListener("pointerdown", (event) => {
  before = knobs.split.value;
  if (event.pointerType !== "touch" && event.buttons & 1) slide(event);
});
canvas.addEventListener("pointermove", (event) => event.buttons & 1 && slide(event));
canvas.addEventListener("click", slide);
canvas.addEventListener("pointercancel", () => {
  if (!photo || before === null) return;
  knobs.split.value = before;
  draw();
});
new ResizeObserver(line).observe(frame);
document.addEventListener("resnet:show", (event) => {
  if (event.detail.viewer !== holder.id) return;
  wish = String(event.detail.what);
  if (photo && !waiting) show(event.detail.what);
});
document.addEventListener("resnet:photo", (event) => {
  if (event.detail.viewer === holder.id) awaitAnswer(event.detail);
});
document.addEventListener("resnet:busy", (event) => { // Another answer to the same photo is on its way, or has come.
  if (event.detail.viewer !== holder.id) return;
  if (event.detail.busy) wish = null; // It is asked with the region of now.
  frame.dataset.busy = event.detail.busy ? text("looking") : "";
  const mine = asked;
  if (!event.detail.busy) setTimeout(() => waiting && mine === asked && load(), 300); // What came is what was there.
});
if (find(".to-compare")) find(".to-compare").onclick = () => window.resnet.compare(holder.id);

// Is the heat true? Its script comes when it is first opened.
find(".viewer-truth")?.addEventListener("toggle", async ({ target }) => {
  if (truth || !target.open) return;
  const { script, texts, cells, error } = await call("truth_part", {});
  if (error) complain(error);
  if (error || truth) return;
  const viewer = { canvas, holder, redraw: draw, key, stage, view: () => props.value, what: () => what };
  viewer.values = () => smooth(JSON.parse(props.value.maps[key()][0]));
  truth = new Function("part", "texts", "cells", "call", "viewer", script)(target, texts, cells, call, viewer);
});

watch("value", load);
load();
