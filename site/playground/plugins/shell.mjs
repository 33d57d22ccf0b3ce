/** @file What all pages have around their own content: head, navigation, footer. */

/** Pages by file name, in the order of the navigation. */
export const PAGES = [
  { file: "index", title: "Playground", nav: "Start" },
  { file: "train", title: "Train a network", nav: "Train" },
  { file: "draw", title: "Draw a digit", nav: "Draw" },
  { file: "gradient", title: "The coarse gradient", nav: "Coarse gradient" },
  { file: "look", title: "Look inside a model", nav: "Look inside" },
  { file: "speed", title: "How fast it is here", nav: "Speed" },
];

/** Sets the theme that was chosen, here or in the guide, before anything is painted. */
const THEME =
  "try{const t=localStorage.getItem('vitepress-theme-appearance');if(/^(light|dark)$/.test(t))document.documentElement.dataset.theme=t}catch{}";

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 14h4v-4h4V6h4V2h2' fill='none' stroke='%232a78d6' stroke-width='2.4'/%3E%3C/svg%3E";

function head(title, description) {
  return `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${description}">
<title>${title} · coarsegrad</title>
<link rel="icon" href="${ICON}">
<script>${THEME}</script>`;
}

function header(file, home) {
  const links = PAGES.map(
    ({ file: own, nav }) => `<li><a href="./${own}.html"${own === file ? ' aria-current="page"' : ""}>${nav}</a></li>`,
  ).join("\n");
  return `<a class="skip" href="#main">Skip to the content</a>
<header class="site">
  <a class="brand" href="${home}">coarsegrad <span>playground</span></a>
  <nav aria-label="Playground"><ul>${links}</ul></nav>
  <button type="button" id="theme" class="quiet" aria-pressed="false">Dark colours</button>
</header>`;
}

function footer(version) {
  return `<footer class="site">
  <p>coarsegrad ${version}. Everything on these pages runs in your browser; nothing is sent anywhere. <span id="offline"></span></p>
</footer>`;
}

/**
 * Puts `<!-- head: … -->`, `<!-- header -->` and `<!-- footer -->` of the pages in place.
 *
 * @param {{ home: string, version: string }} options
 * @returns {import("vite").Plugin}
 */
export function pageShell({ home, version }) {
  return {
    name: "page-shell",
    transformIndexHtml: {
      order: "pre",
      handler(html, { filename }) {
        const file = filename.replace(/^.*[\\/]/, "").replace(".html", "");
        const { title } = PAGES.find((page) => page.file === file);
        return html
          .replace(/<!-- head: (.*) -->/, (_, description) => head(title, description))
          .replace("<!-- header -->", () => header(file, home))
          .replace("<!-- footer -->", () => footer(version));
      },
    },
  };
}
