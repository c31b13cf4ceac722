// Points on the camera's picture. One frame is on its way at a time, so the rate is what camera, network and server
// give. Gradio runs this once the component is there, with element, props and server.

const find = (selector) => element.querySelector(selector);
const root = find(".live"), stage = find(".live-stage"), video = find("video"), canvas = find("canvas");
const button = find(".live-switch"), depth = find(".live-depth"), pen = canvas.getContext("2d");
const text = (name) => props.value.texts[name] || "";
const SHARP = 2; // pixels of the drawing for each of the frame
const still = document.createElement("canvas"); // the frame that is sent
let stream = null, round = 0, presented = 0, arrived = () => {};

// --- The camera ---
async function start() {
  const mine = ++round;
  show("starting", text("asking"));
  if (!navigator.mediaDevices?.getUserMedia) return stop(text("insecure"));
  let opened;
  try {
    opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch (error) {
    return mine === round && stop(text(reason(error)));
  }
  if (mine !== round) return release(opened); // Stopped while the visitor was asked.
  stream = opened;
  for (const track of stream.getTracks()) track.onended = () => mine === round && stop(text("camera_gone"));
  video.srcObject = stream;
  show("starting", text("waiting"));
  count(mine);
  try {
    await video.play();
    await follow(mine);
  } catch (error) {
    if (mine === round) stop(text("camera_gone"));
  }
}
const reason = ({ name }) =>
  ({ NotAllowedError: "refused", SecurityError: "refused", NotReadableError: "camera_busy", AbortError: "camera_busy" })[name] || "no_camera";
const release = (opened) => opened.getTracks().forEach((track) => track.stop());

function stop(sentence = text("stopped")) {
  round++;
  if (stream) release(stream);
  stream = null;
  video.srcObject = null;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  canvas.removeAttribute("aria-label");
  find(".live-facts").textContent = "";
  show("off", sentence);
}

function show(state, sentence) {
  root.dataset.state = state;
  write(button, text(state === "off" ? "start" : "stop"));
  write(find(".live-words"), sentence);
}

// Only what changes: a click is lost when the button's text is replaced under it, and a sentence would be read again.
function write(part, words) {
  if (part.textContent !== words) part.textContent = words;
}

// --- Frames ---
// Counts the camera's frames, so that none is sent twice.
function count(mine) {
  if (mine !== round) return;
  presented++;
  arrived();
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(() => count(mine));
  else requestAnimationFrame(() => count(mine));
}

async function follow(mine) {
  const times = [];
  let faces = [], detected = 0, followed = 0, sent = 0;
  while (mine === round) {
    while (sent === presented || !video.videoWidth) await new Promise((resolve) => (arrived = resolve));
    if (mine !== round) return;
    sent = presented;
    const frame = await grab(), now = performance.now();
    const due = now - detected > props.again && followed >= 2; // A slow machine gains most by following.
    const anew = !faces.length || due || faces.some(leaves);
    let answer;
    try {
      answer = await server.live_points({ frame, depth: Number(depth.value), faces: anew ? [] : faces });
    } catch (error) {
      answer = { error: text("lost") };
    }
    if (mine !== round) return;
    if (!answer || answer.error) return stop(answer?.error || text("lost"));
    followed = anew ? 0 : followed + 1;
    if (anew) detected = now;
    faces = answer.faces;
    draw(faces);
    times.push(performance.now());
    while (times.length > 2 && times.at(-1) - times[0] > 2000) times.shift();
    say(times, answer.ms);
  }
}

function grab() {
  const scale = Math.min(1, props.side / Math.max(video.videoWidth, video.videoHeight));
  still.width = Math.round(video.videoWidth * scale);
  still.height = Math.round(video.videoHeight * scale);
  still.getContext("2d").drawImage(video, 0, 0, still.width, still.height);
  return new Promise((resolve) => still.toBlob((blob) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(blob);
  }, "image/jpeg", 0.85));
}
const leaves = (face) => face.some(([x, y]) => x < 0 || y < 0 || x > still.width || y > still.height);

// --- What is seen ---
function draw(faces) {
  canvas.width = still.width * SHARP; // Clears it too.
  canvas.height = still.height * SHARP;
  pen.scale(SHARP, SHARP);
  pen.lineJoin = pen.lineCap = "round";
  for (const face of faces) {
    const across = face.map(([x]) => x), size = Math.max(...across) - Math.min(...across);
    const line = Math.min(3, Math.max(1, size / 90));
    for (const [wide, colour] of [[line + 1.5, () => "rgb(16 18 24 / 0.6)"], [line, (region) => props.colours[region]]])
      for (const [region, first, end, closed] of props.contours) {
        pen.beginPath();
        for (const [x, y] of face.slice(first, end)) pen.lineTo(x, y);
        if (closed) pen.closePath();
        pen.strokeStyle = colour(region);
        pen.lineWidth = wide;
        pen.stroke();
      }
    for (const [region, first, end] of props.contours)
      for (const [x, y] of face.slice(first, end)) {
        pen.beginPath();
        pen.arc(x, y, 1.1 * line, 0, 7);
        pen.fillStyle = props.colours[region];
        pen.fill();
      }
  }
  root.dataset.faces = faces.length;
}

function say(times, ms) {
  show("on", Number(root.dataset.faces) ? "" : text("nobody"));
  const seconds = (times.at(-1) - times[0]) / 1000, rate = seconds ? (times.length - 1) / seconds : 0;
  const values = { rate: rate.toFixed(rate < 10 ? 1 : 0), milliseconds: ms.network.toFixed(0), total: ms.total.toFixed(0), faces: root.dataset.faces };
  const facts = text("facts").replace(/\{(\w+)\}/g, (_, name) => values[name]);
  find(".live-facts").textContent = facts;
  canvas.setAttribute("aria-label", facts);
}

// --- Controls ---
for (const part of element.querySelectorAll("[data-text]")) part.textContent = text(part.dataset.text);
for (const number of props.depths) depth.add(new Option(props.titles[number], number));
button.disabled = depth.disabled = !props.depths.length;
show("off", text(props.depths.length ? "hint" : "no_weights"));
button.onclick = () => (root.dataset.state === "off" ? start() : stop());
// The camera is let go as soon as nobody looks: another tab of the page (its size is then 0), of the browser, or none.
new ResizeObserver(() => stage.clientWidth || (stream && stop())).observe(stage);
document.addEventListener("visibilitychange", () => document.hidden && root.dataset.state !== "off" && stop());
addEventListener("pagehide", () => root.dataset.state !== "off" && stop());
