// Bars to click. Gradio runs this once the component is there, with element, props, trigger and watch.

const find = (selector) => element.querySelector(selector);

let waiting = false;
const facts = find(".classes-facts");
facts.querySelector("summary").textContent = props.title;
facts.open = window.innerWidth > 600;

function paint() {
  const value = props.value || {}, rows = waiting ? [] : value.classes || [], list = find("ol");
  find(".classes-top").textContent = rows.length ? value.heading : "";
  find(".classes-lead").textContent = rows.length ? value.lead : "";
  if (!rows.length) return blank(list);
  list.replaceChildren(...rows.map((row) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.dataset.index = row.index;
    const name = document.createElement("span"), percent = document.createElement("span"), bar = document.createElement("span");
    name.className = "name";
    name.textContent = row.name;
    percent.className = "percent";
    percent.textContent = row.percent;
    bar.className = "bar";
    bar.style.setProperty("--share", row.probability);
    button.append(name, percent, bar);
    button.onclick = () => {
      choose(row.index);
      document.dispatchEvent(new CustomEvent("resnet:show", { detail: { viewer: props.viewer, what: row.index } }));
      window.resnet.chosen = row.label;
      trigger("select");
    };
    item.append(button);
    return item;
  }));
  choose(value.shown);
}

// Their places are kept while there is no answer.
function blank(list) {
  list.replaceChildren(...Array.from({ length: 5 }, () => {
    const item = document.createElement("li");
    item.className = "blank";
    item.setAttribute("aria-hidden", "true");
    return item;
  }));
  find(".classes-heat").textContent = "";
  facts.hidden = true;
}

function choose(index) {
  const row = ((props.value || {}).classes || []).find((row) => row.index === index);
  for (const button of element.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.index === String(index));
  find(".classes-heat").textContent = row ? row.sentence : "";
  const known = (row || {}).facts || [];
  facts.hidden = !known.length;
  facts.querySelector("div").replaceChildren(...known.map(([term, fact]) => {
    const line = document.createElement("p"), strong = document.createElement("b");
    strong.textContent = term;
    line.append(strong, " ", fact);
    return line;
  }));
}

function settle() {
  const value = props.value || {}, wanted = window.resnet.asked[props.viewer];
  if (waiting && wanted && (value.classes || []).length && value.file !== wanted.file) return; // Of the photo before.
  waiting = false;
  paint();
}
document.addEventListener("resnet:photo", (event) => {
  if (event.detail.viewer !== props.viewer) return;
  waiting = true;
  paint();
});
document.addEventListener("resnet:hidden", ({ detail }) => { // A part of the photo is hidden, or none is any more.
  if (detail.viewer !== props.viewer) return;
  for (const row of (props.value || {}).classes || []) {
    const button = find(`[data-index="${row.index}"]`);
    button?.querySelector(".bar").style.setProperty("--share", detail.shares ? detail.shares[row.index] : row.probability);
    if (button) button.querySelector(".percent").textContent = detail.percents ? `${row.percent} → ${detail.percents[row.index]}` : row.percent;
  }
});
document.addEventListener("resnet:busy", (event) => {
  if (event.detail.viewer === props.viewer && !event.detail.busy) setTimeout(() => waiting && settle(), 300);
});
watch("value", settle);
paint();
