// The Lab's sections below the blocks. Gradio runs this once the component is there, with element and server.

const root = element.querySelector(".lab"), panel = element.closest('[role="tabpanel"]') || document.body;
let opened = false, inView = false, asked = 0, seen = "", failed = false;
const call = async (name, data) => (await server[name](data)) || { failed: true }; // Nothing: there is no server.

async function measure() {
  const form = root.querySelector(".lab-knobs"), place = root.querySelector(".lab-layers"), mine = ++asked;
  place.dataset.busy = "true";
  const [shortcuts, norm] = ["shortcuts", "norm"].map((name) => form.elements[name].checked);
  const answer = await call("lab_measured", { depth: Number(form.elements["lab-layers"].value), shortcuts, norm });
  if (mine !== asked) return;
  if (answer.html) place.innerHTML = answer.html;
  delete place.dataset.busy;
}

// The stages' pictures of the answer on screen, once somebody looks there.
async function look() {
  const answer = document.querySelector("#lab-pair [data-token]"), place = root.querySelector(".lab-stages");
  if (!inView || !answer || !place) return;
  const { token, out } = answer.dataset, wanted = `${token}/${out}`;
  if (wanted === seen) return;
  seen = wanted;
  place.dataset.busy = "true";
  const found = await call("lab_seen", { token, out });
  if (seen !== wanted) return;
  failed = Boolean(found.failed); // It is asked again when somebody comes back to it, and not at each change here.
  if (found.html) place.innerHTML = found.html;
  delete place.dataset.busy;
}

async function open() {
  if (opened || element.offsetParent === null) return;
  opened = true;
  root.innerHTML = (await call("lab_open", {})).html || "";
  const form = root.querySelector(".lab-knobs");
  if (!form) return setTimeout(() => { opened = false; open(); }, 5000);
  form.addEventListener("input", measure);
  form.addEventListener("submit", (event) => event.preventDefault());
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    if (!inView && failed) seen = "";
    look();
  }, { rootMargin: "200px" }).observe(root.querySelector(".lab-stages"));
  new MutationObserver(look).observe(panel, { childList: true, subtree: true });
  measure();
}
new ResizeObserver(open).observe(element);
