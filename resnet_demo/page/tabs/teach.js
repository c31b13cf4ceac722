// The classes' buttons. Gradio runs this once the component is there.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove]");
  if (button) trigger("select", { index: Number(button.dataset.remove) });
});
