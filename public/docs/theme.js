/* The documents wear the theme that was chosen in the app: in front of the first paint, which a module would not be. */
(() => {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem("zonescope.theme");
  } catch {
    // Storage is switched off: what the system says, then.
  }
  const dark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
