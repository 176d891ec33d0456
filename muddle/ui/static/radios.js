() => {
  // gradio 6.31 gives every radio a name of its own, so that arrow keys do not move and a screen reader hears groups of
  // one: here each fieldset becomes one group again.
  const group = () => {
    for (const input of document.querySelectorAll("fieldset[id] input[type=radio]")) {
      const { id } = input.closest("fieldset");
      if (input.name !== id) input.name = id;
    }
  };
  group();
  new MutationObserver(group).observe(document.body, { subtree: true, childList: true, attributeFilter: ["name"] });
}
