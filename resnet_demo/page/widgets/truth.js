// Is the heat true? Hide a part of the photo and watch the bars move; the curves of deletion and insertion.
// The viewer runs this when the part is first opened, with part (its element), texts, cells (a side of the mask), call
// (name, data → an answer of the server) and viewer: canvas, holder, redraw(), view(), what(), stage() and values(), the map on screen as rows of numbers.

const make = (tag, text, more = {}) => Object.assign(document.createElement(tag), { textContent: text || "", ...more });
const button = (name, act) => make("button", texts[name], { type: "button", className: `truth-${name}`, onclick: act });
const line = make("p", "", { className: "truth-words", role: "status" });
const box = make("div"), brush = make("input", "", { type: "checkbox", className: "truth-brush" }), label = make("label");
const figures = make("div", "", { className: "truth-figures", role: "status" });
const undo = button("undo", () => { masks.pop(); ask(); }), clear = button("clear", () => { masks = []; ask(); });
const drawing = button("draw", curves);
label.append(brush, texts.brush);
label.title = texts.brush_keys;
box.append(button("fifth", fifth), label, undo, clear, drawing);
part.append(make("p", texts.lead, { className: "truth-lead" }), box, line, figures);

const RADIUS = 0.06; // of the side, of the brush
let masks = [], asked = 0, cursor = null, painting = false, of = viewer.view().token, drawn = "";
const mask = () => masks[masks.length - 1];
const fresh = () => new Uint8Array(mask() || cells * cells);
const bars = (shares, percents) => document.dispatchEvent(
  new CustomEvent("resnet:hidden", { detail: { viewer: viewer.holder.id, shares, percents } }));

function fifth() {
  const values = viewer.values(), next = fresh(), rows = values.length, columns = values[0].length;
  const at = (cell, count) => Math.floor(((cell + 0.5) / cells) * count);
  const order = Array.from(next, (_, cell) => [values[at(Math.floor(cell / cells), rows)][at(cell % cells, columns)], cell]);
  order.sort(([one], [other]) => other - one);
  for (const [, cell] of order.slice(0, Math.round(order.length / 5))) next[cell] = 1;
  masks.push(next);
  ask();
}
function dab(x, y) { // in shares of what the network saw
  const now = mask(), near = RADIUS * RADIUS;
  for (let cell = 0; cell < now.length; cell++) {
    const dx = (cell % cells + 0.5) / cells - x, dy = (Math.floor(cell / cells) + 0.5) / cells - y;
    if (dx * dx + dy * dy <= near) now[cell] = 1;
  }
  viewer.redraw();
}
async function ask() {
  const mine = ++asked, now = mask();
  viewer.redraw();
  undo.disabled = clear.disabled = !masks.length;
  if (!now || !now.some(Boolean)) {
    line.textContent = "";
    return bars();
  }
  const answer = await call("truth_hidden", { token: viewer.view().token, what: viewer.what(), mask: now.join("") });
  if (mine !== asked) return;
  line.textContent = answer.error || answer.words;
  if (!answer.error) bars(answer.shares, answer.percents);
}
async function curves() {
  const mine = viewer.key(), { token } = viewer.view();
  drawing.disabled = true;
  drawn = mine;
  figures.textContent = texts.drawing;
  const answer = await call("truth_curves", { token, what: viewer.what(), stage: viewer.stage() });
  drawing.disabled = false;
  if (mine !== viewer.key() || token !== viewer.view().token) return (figures.textContent = "");
  if (answer.error) figures.textContent = answer.error;
  else figures.innerHTML = answer.html;
}

// --- The brush ---
function place(event) {
  const frame = viewer.canvas.getBoundingClientRect(), [left, top, right, bottom] = viewer.view().window;
  const x = ((event.clientX - frame.left) / frame.width) * viewer.canvas.width;
  const y = ((event.clientY - frame.top) / frame.height) * viewer.canvas.height;
  return [(x - left) / (right - left), (y - top) / (bottom - top)];
}
const active = () => brush.checked && part.open && viewer.view().window;
function down(event) {
  if (!active() || event.button) return;
  painting = true;
  cursor = null;
  viewer.canvas.setPointerCapture(event.pointerId);
  masks.push(fresh());
  dab(...place(event));
}
function up() {
  if (painting) ask();
  painting = false;
}
viewer.canvas.addEventListener("pointerdown", down);
viewer.canvas.addEventListener("pointermove", (event) => painting && dab(...place(event)));
viewer.canvas.addEventListener("pointerup", up);
viewer.canvas.addEventListener("pointercancel", up);
viewer.canvas.addEventListener("keydown", (event) => {
  if (!active()) return;
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step && event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  cursor ||= [0.5, 0.5];
  if (step) cursor = cursor.map((at, axis) => Math.min(1, Math.max(0, at + step[axis] * RADIUS)));
  else {
    masks.push(fresh());
    dab(...cursor);
    ask();
  }
  viewer.redraw();
});
brush.onchange = switched;
part.addEventListener("toggle", switched);
function switched() {
  const on = Boolean(active());
  viewer.canvas.tabIndex = on ? 0 : -1;
  viewer.holder.classList.toggle("is-brushing", on);
  if (on) viewer.canvas.focus({ preventScroll: true });
  viewer.redraw();
}

// --- For the viewer ---
ask();
return {
  active,
  // Draws what is hidden over the photo, and forgets it when another answer is there.
  paint(context) {
    const view = viewer.view();
    if (of !== view.token) {
      of = view.token;
      if (!drawing.disabled) drawn = figures.textContent = "";
      if (masks.length) {
        masks = [];
        asked++;
        line.textContent = "";
        undo.disabled = clear.disabled = true;
      }
    }
    if (drawn && drawn !== viewer.key() && !drawing.disabled) drawn = figures.textContent = "";
    const [left, top, right, bottom] = view.window, now = mask();
    if (now) {
      const picture = new ImageData(cells, cells), small = new OffscreenCanvas(cells, cells);
      now.forEach((hidden, cell) => hidden && picture.data.set([124, 116, 104, 255], 4 * cell));
      small.getContext("2d").putImageData(picture, 0, 0);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, left, top, right - left, bottom - top);
      context.imageSmoothingEnabled = true;
    }
    if (!cursor || !active()) return;
    context.beginPath();
    context.arc(left + cursor[0] * (right - left), top + cursor[1] * (bottom - top), RADIUS * (right - left), 0, 7);
    context.lineWidth = 3;
    context.strokeStyle = "#fff";
    context.stroke();
  },
};
