/** @file Light and dark: the system's choice, until the button chooses another one. */

/** Where the guide keeps the choice too: the whole site changes together. */
const KEY = "vitepress-theme-appearance";
const systemDark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? systemDark.matches : chosen === "dark";
}

/** Calls `listener` after every change of colours: canvases have to be drawn again. */
export function onThemeChange(listener: () => void): void {
  listeners.add(listener);
}

/** Makes the header's button work. */
export function themeButton(): void {
  const button = document.getElementById("theme") as HTMLButtonElement;
  const show = (): void => button.setAttribute("aria-pressed", `${isDark()}`);
  const changed = (): void => {
    show();
    for (const listener of listeners) listener();
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    changed();
  });
  systemDark.addEventListener("change", changed);
  show();
}

/** Value of a CSS variable now. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
