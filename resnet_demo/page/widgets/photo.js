// Choosing a photo: one tap, drop, paste, camera or an example. Gradio runs this once the component is there, with
// element, props, trigger and watch. What was chosen stays in window.resnet for the other tabs and for a reload.

const find = (selector) => element.querySelector(selector);
const holder = element.closest("[id]:not([id^=html-])") || element;
const panel = element.closest('[role="tabpanel"]') || document.body, file = find(".photo-file"), dialog = find("dialog");
const text = (name) => props.texts[name];
let asked = ""; // what this tab was asked last
let words = ""; // what was said of the photo before
let choices = 0, sending = false; // An upload takes its time: whatever is chosen meanwhile is what is wanted.
for (const part of element.querySelectorAll("[data-text]")) part.textContent = text(part.dataset.text);
for (const part of element.querySelectorAll("[data-name]")) {
  part.setAttribute("aria-label", text(part.dataset.name));
  if (part.matches("button")) part.title = text(part.dataset.name);
}
panel.dataset.drop = text("drop");
find(".photo-full").title = text("full_hint");

// --- Asking ---
const key = (photo) => photo.example || photo.path;
function ask(photo, announced = false) {
  choices++;
  sending = false;
  asked = key(photo);
  holder.dataset.asked = asked;
  say("");
  find(".photo-full").hidden = !asked || window.resnet.larger?.path !== asked;
  for (const button of element.querySelectorAll(".gallery-item"))
    button.setAttribute("aria-pressed", button.dataset.example === photo.example);
  const example = props.examples.find((one) => one.example === photo.example);
  const file = example ? decodeURIComponent(example.url).replace("gradio_api/file=", "") : photo.path;
  window.resnet.asked[props.viewer] = window.resnet.asked[holder.id] = { ...photo, file };
  const badge = example ? `${text("example")}: ${example.name}` : "";
  if (!announced) {
    const url = example ? example.url : `gradio_api/file=${encodeURI(photo.path)}`;
    announce({ url, badge, name: example ? example.name : photo.name });
  }
  window.resnet.restored.then(() => { // Only then do the controls say what to ask.
    if (asked !== key(photo)) return;
    props.value = photo;
    trigger("input");
  });
}
// Compare says after each depth how far it is.
const line = panel.querySelector(".note-holder");
const told = () => line.textContent !== words && panel.classList.remove("is-waiting");
if (line) new MutationObserver(told).observe(line, { childList: true, subtree: true, characterData: true });
function announce(detail) {
  words = line?.textContent;
  panel.classList.toggle("is-waiting", Boolean(asked)); // What was said is of the photo before.
  document.dispatchEvent(new CustomEvent("resnet:photo", { detail: { viewer: props.viewer, ...detail } }));
}
document.addEventListener("resnet:busy", ({ detail }) => {
  if (detail.viewer === props.viewer && !detail.busy) panel.classList.remove("is-waiting");
});
function say(sentence) {
  find(".photo-error").textContent = sentence;
  find(".photo-error").hidden = !sentence;
}

function choose(photo, announced, order = ++window.resnet.choices) {
  // What was chosen in another tab while a photo was sent is what the others show.
  if (order === window.resnet.choices) window.resnet.photo(photo);
  ask(photo, announced);
}

async function send(chosen, whole = false) {
  if (!chosen) return;
  const mine = ++choices, order = ++window.resnet.choices;
  sending = true;
  const form = new FormData(), url = URL.createObjectURL(chosen), before = window.resnet.asked[props.viewer];
  window.resnet.asked[props.viewer] = {}; // What is still on its way is not what is wanted any more.
  announce({ url, badge: "", name: chosen.name });
  const sent = whole ? chosen : await window.resnet.smaller(chosen);
  if (mine !== choices) return;
  form.append("files", sent, sent.name || "photo.png");
  let answer;
  try {
    answer = await fetch("gradio_api/upload", { method: "POST", body: form });
  } catch { /* said below */ }
  const content = await answer?.json().catch(() => ({}));
  if (mine !== choices) return;
  if (!answer) return fail(text("failed"), before);
  if (!answer.ok) return fail(content.detail || text("failed"), before);
  if (sent !== chosen) window.resnet.larger = { path: content[0], file: chosen };
  choose({ path: content[0], name: chosen.name || "photo.png" }, true, order);
}
function fail(sentence, before) {
  sending = false;
  window.resnet.asked[props.viewer] = before;
  if (!asked) open();
  say(sentence);
  window.resnet.busy(props.viewer, false);
}

// --- Ways to choose ---
find(".photo-new").onclick = () => file.click();
file.onchange = () => {
  send(file.files[0]);
  file.value = ""; // The same file may be chosen again.
};
find(".photo-full").onclick = () => send(window.resnet.larger.file, true);
find(".photo-examples").id = holder.id.replace("-photo", "-examples");
for (const one of props.examples) {
  const button = document.createElement("button"), image = document.createElement("img");
  Object.assign(button, { type: "button", className: "gallery-item", title: one.name });
  button.dataset.example = one.example;
  button.setAttribute("aria-label", one.name);
  button.setAttribute("aria-pressed", "false");
  Object.assign(image, { src: one.small, alt: "", width: 96, height: 96 });
  button.append(image);
  button.onclick = () => choose({ example: one.example });
  find(".photo-examples").append(button);
}

const isShown = () => element.offsetParent !== null;
panel.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  panel.classList.add("is-dropping");
});
panel.addEventListener("dragleave", (event) => {
  if (!panel.contains(event.relatedTarget)) panel.classList.remove("is-dropping");
});
panel.addEventListener("drop", (event) => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  panel.classList.remove("is-dropping");
  send(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  const pasted = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
  if (!pasted || !isShown()) return;
  event.preventDefault();
  send(pasted);
});

// --- Camera ---
const video = find("video");
function close() {
  for (const track of video.srcObject?.getTracks() || []) track.stop();
  video.srcObject = null;
  if (dialog.open) dialog.close();
}
find(".photo-camera").onclick = async () => {
  if (!navigator.mediaDevices) return say(text("insecure"));
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    return say(text({ NotAllowedError: "refused", NotReadableError: "camera_busy" }[error.name] || "no_camera"));
  }
  dialog.showModal();
  await video.play();
};
find(".photo-capture").onclick = () => {
  if (!video.videoWidth) return;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  close();
  canvas.toBlob((blob) => send(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.95);
};
find(".photo-cancel").onclick = close;
dialog.addEventListener("cancel", close);

// --- The tab is opened: with the photo of the tab before, else as it was, and at first with an example ---
function open() {
  if (!isShown() || sending) return;
  let photo = window.resnet.photo();
  const listed = photo && props.examples.some((one) => one.example === photo.example);
  // Of another tab's examples this one knows nothing: what is sent to it is the file.
  if (photo?.travels === holder.id && photo.file && !listed)
    photo = { path: photo.file, name: photo.name || `${photo.example}.jpg` };
  const fits = photo && (photo.path || listed);
  if (fits && key(photo) !== asked) ask(photo);
  else if (!asked && props.start) ask({ example: props.examples[0].example });
}
window.resnet.restored.then(() => new ResizeObserver(open).observe(element));
