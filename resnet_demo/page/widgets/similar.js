// A table's photos: those most like the one that is pressed, in a row below its own. Gradio runs this once the component
// is there. Each photo is in the page already, in its own row.
const close = () => {
  element.querySelector("tr.many-alikes")?.remove();
  for (const other of element.querySelectorAll("[data-alike]")) other.setAttribute("aria-expanded", "false");
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-alike]");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") === "true";
  close();
  if (open) return;
  button.setAttribute("aria-expanded", "true");
  const row = document.createElement("tr");
  const cell = row.appendChild(document.createElement("td"));
  row.className = "many-alikes";
  cell.colSpan = element.querySelectorAll("thead th").length;
  cell.appendChild(document.createElement("p")).textContent = button.getAttribute("aria-label");
  const list = cell.appendChild(document.createElement("ul"));
  for (const pair of button.dataset.alike.split(" ")) {
    const [index, similarity] = pair.split(":");
    const other = element.querySelector(`[data-row="${index}"]`);
    const item = list.appendChild(document.createElement("li"));
    item.appendChild(other.querySelector("img").cloneNode());
    const name = item.appendChild(document.createElement("small"));
    name.title = other.closest("tr").querySelector("th").firstChild.textContent;
    name.textContent = name.title.split("/").pop();
    item.appendChild(document.createElement("b")).textContent = similarity;
  }
  button.closest("tr").after(row);
});
