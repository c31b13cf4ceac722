// Bars to click. Gradio runs this once the component is there, with element, props, trigger and watch.

const find = (selector) => element.querySelector(selector);

function paint() {
  const value = props.value || {}, rows = value.classes || [], list = find("ol");
  find(".classes-top").textContent = rows.length ? rows[0].name : "";
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
      trigger("select", { index: row.index, value: row.label });
    };
    item.append(button);
    return item;
  }));
  choose(value.shown);
}

function choose(index) {
  const row = ((props.value || {}).classes || []).find((row) => row.index === index);
  for (const button of element.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.index === String(index));
  find(".classes-heat").textContent = row ? row.sentence : "";
  find(".classes-facts").replaceChildren(...((row || {}).facts || []).map(([term, fact]) => {
    const line = document.createElement("p"), strong = document.createElement("b");
    strong.textContent = term;
    line.append(strong, " ", fact);
    return line;
  }));
}

watch("value", paint);
paint();
