/* The fills: cards, and the large view of the report in a frame over the page. Gradio gives element and watch. */
watch("value", () => document.getElementById("results")?.classList.remove("busy"));
element.addEventListener("click", (e) => {
  const link = e.target.closest("a[data-large]");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  const over = document.createElement("dialog");
  over.className = "large";
  over.setAttribute("aria-label", "Large view");
  const frame = document.createElement("iframe");
  frame.title = "Large view";
  frame.src = link.href;
  const scheme = document.body.classList.contains("dark") ? "dark" : "light";
  frame.addEventListener("load", () => {
    const inner = frame.contentDocument;
    inner.documentElement.dataset.theme = scheme;
    const viewer = inner.getElementById("viewer");
    if (!viewer) { over.close(); return; }
    viewer.addEventListener("close", () => over.close());
    frame.contentWindow.focus();
  });
  over.addEventListener("close", () => { over.remove(); link.focus(); });
  over.append(frame);
  document.body.append(over);
  over.showModal();
});
