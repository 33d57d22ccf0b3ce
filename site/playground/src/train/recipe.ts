/** @file The same run outside the page: a script for Node, and a command. */
import type { RunConfig, Settings } from "coarsegrad/run";
import type { RunRecord } from "./record.js";

const option = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The settings as options of `coarsegrad train`. */
function words(settings: Settings): string {
  return Object.entries(settings)
    .map(([key, value]) => `${option(key)} ${key === "schedule" ? (value as { name: string }).name : value}`)
    .join(" ");
}

/** Whether Node can get the same images by itself. */
export const isRepeatable = ({ config }: Pick<RunRecord, "config">): boolean => config.images === undefined;

/**
 * The run as a command line, earlier runs that it starts from first.
 *
 * @param chain the runs from the first to this one
 */
export function commandOf(chain: readonly Pick<RunRecord, "settings">[]): string {
  return chain
    .map(({ settings }, i) => {
      const init = i === 0 ? "" : ` --init runs/page-${i}`;
      return `npx coarsegrad train ${words(settings)}${init} --out runs/page-${i + 1}`;
    })
    .join("\n");
}

/** The run as a script that prints the SHA-256 of the final weights. */
export function scriptOf(chain: readonly Pick<RunRecord, "config">[]): string {
  const [first] = chain;
  const isDigits = first.config.data === "digits";
  const load = isDigits ? "" : `import { loadDataset } from "coarsegrad/node";\n`;
  const data = isDigits ? "" : `const data = await loadDataset(${JSON.stringify(first.config.data)});\n`;
  const runs = chain.map(({ config }, i) => {
    const init = i === 0 ? "" : `, init: readModel(checkpoint, ${JSON.stringify(config.init?.file)})`;
    const given = isDigits ? "" : "data, ";
    return `run = await createRun(${json(config)}, { ${given}onCheckpoint: keep${init} });`;
  });
  return `import { createRun, readModel } from "coarsegrad/run";
${load}
let run, checkpoint;
const keep = (bytes) => void (checkpoint = bytes);
${data}${runs.join("\n")}
console.log(run.weightsSha256);
`;
}

function json(config: RunConfig): string {
  return JSON.stringify(config, null, 2);
}
