// The Lab's sections below the blocks. Gradio runs this once the component is there, with element and server.

const root = element.querySelector(".lab"), panel = element.closest('[role="tabpanel"]') || document.body;
let opened = false, inView = false, asked = 0, seen = "";

async function measure() {
  const form = root.querySelector(".lab-knobs"), place = root.querySelector(".lab-layers"), mine = ++asked;
  place.dataset.busy = "true";
  const [shortcuts, norm] = ["shortcuts", "norm"].map((name) => form.elements[name].checked);
  const answer = await server.lab_measured({ depth: Number(form.elements["lab-layers"].value), shortcuts, norm });
  if (mine !== asked) return;
  place.innerHTML = answer.html;
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
  const found = await server.lab_seen({ token, out });
  if (seen !== wanted) return;
  if (found.failed) seen = "";
  place.innerHTML = found.html;
  delete place.dataset.busy;
}

async function open() {
  if (opened || element.offsetParent === null) return;
  opened = true;
  root.innerHTML = (await server.lab_open({})).html;
  const form = root.querySelector(".lab-knobs");
  if (!form) return (opened = false);
  form.addEventListener("input", measure);
  form.addEventListener("submit", (event) => event.preventDefault());
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    look();
  }, { rootMargin: "200px" }).observe(root.querySelector(".lab-stages"));
  new MutationObserver(look).observe(panel, { childList: true, subtree: true });
  measure();
}
new ResizeObserver(open).observe(element);
