// The matrix's cells. Gradio runs this once the component is there.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-cell]");
  if (!button) return;
  const open = button.getAttribute("aria-expanded") !== "true";
  for (const other of element.querySelectorAll("[data-cell]")) other.setAttribute("aria-expanded", String(open && other === button));
  for (const photos of element.querySelectorAll("[data-photos]")) photos.hidden = !open || photos.dataset.photos !== button.dataset.cell;
});
