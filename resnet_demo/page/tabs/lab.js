// The row of blocks: a button each, pressed where the block is left out. Gradio runs this once the component is there,
// with element, props, trigger and watch.

const root = element.querySelector(".lab-board"), holder = element.closest("[id]:not([id^=html-])") || element;
const busy = document.createElement("span");
busy.className = "lab-busy";
busy.setAttribute("role", "status");
const text = (name) => ((props.value || {}).texts || {})[name] || "";
let network = null; // whose buttons there are

function make(name, className, label) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className, textContent: label });
  if (name) {
    button.dataset.block = name;
    button.setAttribute("aria-label", `${text("block")} ${name}`);
    button.title = name;
  }
  return button;
}

function build() {
  const { stages = {} } = props.value, row = document.createElement("div"), tools = document.createElement("div");
  row.className = "lab-row";
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", text("blocks"));
  for (const [stage, names] of Object.entries(stages)) {
    const group = document.createElement("div"), heading = document.createElement("span"), cells = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", stage);
    heading.textContent = stage;
    heading.setAttribute("aria-hidden", "true");
    cells.append(...names.map((name) => make(name, "", name.split(".")[1])));
    group.append(heading, cells);
    row.append(group);
  }
  tools.className = "lab-tools";
  tools.append(make("", "lab-back", text("back")), make("", "lab-each", text("each")), busy);
  root.replaceChildren(row, tools);
}

function paint() {
  const value = props.value || {};
  if (!value.network) return;
  if (value.network !== network) {
    network = value.network;
    build();
  }
  for (const button of root.querySelectorAll("[data-block]"))
    button.setAttribute("aria-pressed", value.out.includes(button.dataset.block));
  root.querySelector(".lab-back").disabled = !value.out.length;
}

function set(out) {
  props.value = { ...props.value, out };
  paint();
  trigger("input");
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button"), { out } = props.value || {};
  if (!button || !out) return;
  const name = button.dataset.block;
  if (name) set(out.includes(name) ? out.filter((one) => one !== name) : [...out, name]);
  else if (button.matches(".lab-back")) {
    set([]);
    root.querySelector("[data-block]").focus(); // The button itself is disabled now.
  } else trigger("select", {});
});
document.addEventListener("resnet:busy", (event) => {
  if (event.detail.viewer !== holder.id) return;
  busy.textContent = event.detail.busy ? text("looking") : "";
  holder.dataset.busy = event.detail.busy;
});

// Bars of another photo or network than the answer's say nothing.
new MutationObserver(() => {
  const shown = document.querySelector("#lab-pair [data-token]")?.dataset.token;
  for (const part of document.querySelectorAll("#lab-tried [data-of]")) part.hidden = part.dataset.of !== shown;
}).observe(element.closest('[role="tabpanel"]') || document.body, { childList: true, subtree: true });
watch("value", paint);
paint();
