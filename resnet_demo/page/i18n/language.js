// Stands at the end of the page's head and runs before Gradio's front end; TAG and WORDS are filled in by language.py.
(() => {
  const tag = TAG, words = WORDS;

  // The front end takes its language from the browser.
  Object.defineProperty(navigator, "language", { get: () => tag });
  Object.defineProperty(navigator, "languages", { get: () => [tag] });

  // It translates what gr.I18n marks in labels and the like; the marks that it does not look at, such as headers of
  // tables and several in one HTML, are filled here.
  const config = window.gradio_config || {};
  const texts = (config.i18n_translations || {})[tag] || {};
  const filled = (text) => text.replace(/__i18n__(\{.*?\})/g, (mark, json) => texts[JSON.parse(json).key] ?? mark);
  const fill = (parts) => {
    for (const [key, part] of Object.entries(parts)) {
      if (typeof part === "string") parts[key] = filled(part);
      else if (part && typeof part === "object") fill(part);
    }
  };
  fill(config.components || []);
  config.title = texts.title || config.title;

  // Its own fixed words are replaced as they appear.
  const patterns = Object.entries(words).map(([english, other]) => [new RegExp(`^(?:${english})$`), other]);
  const replaced = (text) => {
    const bare = text.trim();
    if (bare.length > 200 || !/[A-Za-z]{4}/.test(bare)) return text;
    const known = patterns.find(([pattern]) => pattern.test(bare));
    return known ? text.replace(bare, bare.replace(...known)) : text;
  };
  const attributes = ["aria-label", "title"];
  const mend = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const text = replaced(node.data);
      if (text !== node.data) node.data = text;
    } else if (node.nodeType === Node.ELEMENT_NODE) {
      for (const name of attributes) {
        const text = node.getAttribute(name);
        if (text && replaced(text) !== text) node.setAttribute(name, replaced(text));
      }
      node.childNodes.forEach(mend);
    }
  };
  if (!patterns.length) return;
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach(mend);
      else mend(change.target);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: attributes });
})();
