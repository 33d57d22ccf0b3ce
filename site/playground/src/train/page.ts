/** @file The training page. */
import "../shell/index.js";
import "./train.css";
import { byId, reporting } from "../shell/dom.js";
import { copyText } from "../shell/files.js";
import { DataPanel } from "./data-panel.js";
import { SettingsForm } from "./form.js";
import { Runs } from "./runs.js";
import { linkOf } from "./settings.js";

const form = new SettingsForm();
const data = new DataPanel();
const runs = new Runs((finished) => form.starts(finished));

async function start(mode: "run" | "step"): Promise<void> {
  await reporting(byId("form-error"), async () => {
    const images = await data.images();
    await runs.start({ choices: form.choices, images, from: form.from }, mode);
  });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void start("run");
});
byId("start-step").addEventListener("click", () => void start("step"));
byId("link").addEventListener("click", () => {
  const link = linkOf(form.choices);
  const address = location.href.replace(/#.*/, "") + (link === "" ? "" : `#${link}`);
  void copyText(address, byId<HTMLButtonElement>("link"));
});
byId("copy-script").addEventListener("click", () => {
  void copyText(byId("script").textContent ?? "", byId<HTMLButtonElement>("copy-script"));
});
void runs.load();
