/** @file The reference: one Markdown page for each public entry, made by TypeDoc from the docstrings. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Application, Comment, Converter, LogLevel, OptionDefaults, ReflectionKind } from "typedoc";

const root = path.resolve(import.meta.dirname, "..", "..");

/** Tags of the house beside those of TSDoc: what a file is, and the gradient of an op. */
const BLOCK_TAGS = [...OptionDefaults.blockTags, "@file", "@gradient"];

/**
 * Public entries that have types.
 *
 * @returns {{ name: string, specifier: string, source: string }[]} `name` as the page is called
 */
export function entries() {
  const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === "object")
    .map(([door, { types }]) => ({
      name: door === "." ? "coarsegrad" : door.slice("./".length),
      specifier: `coarsegrad${door.slice(1)}`,
      source: types.replace("./dist/", "src/").replace(".d.ts", ".ts"),
    }));
}

/**
 * Types that signatures name and no entry exports: nobody makes one, and what they hold is told where they are met.
 * TypeDoc warns of names here that are exported, or met no longer.
 */
const INTERNAL = `
  src/node/class-folder.ts:ClassFolder src/autograd/graph.ts:Variable src/memory/scope.ts:Owner src/memory/storage.ts:Storage
  src/nn/state.ts:StateArray src/nn/members.ts:Member src/nn/pytorch.ts:FlatImage src/ndarray/elementwise.ts:BINARY
  src/ndarray/elementwise.ts:COMPARE src/kernels/geometry.ts:GEOMETRY_FIELDS src/kernels/elementwise/abi.ts:ELEMENTWISE
  src/quant/ops/norm-staircase.ts:Saved src/quant/ops/staircase.ts:Saved src/quant/products.ts:ProductSaved
  src/quant/diagnostics.ts:WatchCounts src/quant/weighted-layer.ts:Shared src/optim/state.ts:Memory src/core/checks.ts:OptionRules
  src/format/model.ts:TensorInfo src/format/tensors.ts:NodeData src/format/plan.ts:Plan src/format/value.ts:ValueType
  src/run/config.ts:Table src/run/field.ts:ValueOf src/train/losses.ts:LOSSES src/train/measures.ts:METRICS
  src/train/partial.ts:PartialEpoch src/onnx/network.ts:Step src/theory/vector.ts:Vector
  src/theory/experiments/convergence.ts:ConvergenceData src/theory/experiments/correlation.ts:CorrelationData
  src/theory/experiments/descent.ts:DescentData src/theory/experiments/instability.ts:InstabilityData
  src/theory/experiments/separable.ts:SeparableData src/node/images/picture.ts:DecodeOptions
  src/node/models.ts:OpenOptions src/ndarray/sequence.ts:SequencePadding src/ops/conv1d.ts:Convolution1dOptions
  src/ops/conv-transpose.ts:TransposedOptions src/models/vgg.ts:Design
`
  .trim()
  .split(/\s+/);

/** What a class inherits from another that has its own place is told there, not in each of its heirs. */
function leaveInheritedOut(project) {
  const members = project.getReflectionsByKind(ReflectionKind.ClassMember);
  const inherited = members.filter(({ inheritedFrom, overwrites }) => inheritedFrom?.reflection && !overwrites);
  for (const member of inherited) if (!member.kindOf(ReflectionKind.Constructor)) project.removeReflection(member);
}

/** Settings of a run have their words in the table that also makes the command line's help. */
function describeSettings(project) {
  const table = ["fields.ts", "teacher-fields.ts", "training-fields.ts"]
    .map((name) => readFileSync(path.join(root, "src", "run", name), "utf8"))
    .join("\n");
  const rows = [...table.matchAll(/^ {2}(\w+): row\([\s\S]*?\bhelp:\s*(?:\(\) =>\s*)?(["`])([\s\S]*?)\2/gm)];
  const help = new Map(rows.map(([, name, , text]) => [name, text]));
  for (const member of project.getReflectionsByKind(ReflectionKind.Property)) {
    const text = help.get(member.name);
    const inTable = /\b(?:RunConfig|QuantConfig)$/.test(member.parent?.name ?? "");
    if (!inTable || text === undefined || member.hasComment()) continue;
    member.comment = new Comment([{ kind: "text", text: `${text[0].toUpperCase()}${text.slice(1)}.` }]);
  }
}

/**
 * Members that need no words of their own: symbols that engines call, names of error classes, layers of the models (which
 * bear torchvision's names), fields of an object that is described as a whole, the second half of an accessor.
 */
const SELF_EVIDENT =
  /^\[warning\] (?:\S+\.__type\.\w+|\S+\.\[\w+\]|\w+\.\w+Error\.name|models\.\w+\.\w+ \(Property\)|\S+ \(SetSignature\)|\S+ \(TypeParameter\)).* does not have any documentation$/;

/** A warning without its colours and its place in the source's text. */
function plain(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of the terminal begin with it
  return text.replace(/\u001b\[[0-9;]*m/g, "").replace(/\n(?!\t).*/gs, "");
}

/**
 * Reads the sources as TypeDoc does and finds what has no docstring, what is not exported and links that lead nowhere.
 *
 * @param {string} [out] folder for the pages; without it none are written
 * @returns {Promise<string[]>} what TypeDoc warns of
 * @throws Error if the sources cannot be read
 */
export async function buildReference(out) {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: entries().map(({ source }) => path.join(root, source)),
    tsconfig: path.join(root, "tsconfig.build.json"),
    plugin: ["typedoc-plugin-markdown"],
    // The compiler of `npm run check` has found no errors; TypeDoc's is an older one.
    skipErrorChecking: true,
    blockTags: BLOCK_TAGS,
    excludeTags: ["@file", "@module"],
    excludeInternal: true,
    excludePrivate: true,
    excludeProtected: true,
    disableSources: true,
    readme: "none",
    validation: { notExported: true, invalidLink: true, notDocumented: true, unusedMergeModuleWith: true },
    intentionallyNotExported: INTERNAL,
    requiredToBeDocumented: [
      "Variable",
      "Function",
      "Class",
      "Interface",
      "Property",
      "Method",
      "Accessor",
      "TypeAlias",
    ],
    logLevel: LogLevel.Warn,
    outputFileStrategy: "modules",
    ...(out !== undefined && { out }),
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    useCustomAnchors: true,
    expandObjects: false,
    tableColumnSettings: { hideModifiers: true },
    parametersFormat: "table",
    interfacePropertiesFormat: "table",
    typeAliasPropertiesFormat: "table",
    formatWithPrettier: false,
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    leaveInheritedOut(project);
    describeSettings(project);
  });
  const warnings = [];
  app.logger.log = (message, level) => {
    const text = plain(message);
    if (level >= LogLevel.Warn && !SELF_EVIDENT.test(text)) warnings.push(text);
  };
  const project = await app.convert();
  if (project === undefined) throw new Error(`TypeDoc could not read the sources:\n${warnings.join("\n")}`);
  app.validate(project);
  if (out !== undefined) await app.generateOutputs(project);
  return warnings;
}
