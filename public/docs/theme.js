/* The documents wear the theme that was chosen in the app: in front of the first paint, which a module would not be. */
(() => {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem("zonescope.theme");
  } catch {
    // Storage is switched off: what the system says, then.
  }
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const wear = () => {
    document.documentElement.dataset.theme = chosen === "dark" || (chosen !== "light" && system.matches) ? "dark" : "light";
  };
  wear();
  system.addEventListener("change", wear);
})();
