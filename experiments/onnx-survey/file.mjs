/**
 * @file One file of the survey, in a process of its own: scope, import, agreement with onnxruntime, packing. Prints one
 * line of JSON.
 *
 *     node file.mjs FILE
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { pack, verify } from "../../dist/export/index.js";
import { NDArray, noGrad, Rng, Tensor } from "../../dist/index.js";
import { externalFiles, importOnnx } from "../../dist/onnx/index.js";
import { calibrate, prepare } from "../../dist/quant/index.js";
import { graphOf, outside } from "./graph.mjs";

/** Inputs that are compared. */
const INPUTS = 3;
/** Extent of rows and columns that a file leaves open. */
const OPEN_EXTENT = 64;

const reason = (error) => `${error instanceof Error ? `${error.name}: ${error.message}` : error}`.split("\n")[0];
const sizeOf = (shape) => shape.reduce((product, extent) => product * extent, 1);

/** onnxruntime-node where it is installed beside the benchmarks, else onnxruntime-web on one thread. */
async function runtime() {
  const peers = path.resolve(import.meta.dirname, "..", "..", "bench", "peers", "x.js");
  for (const [from, name] of [
    [peers, "onnxruntime-node"],
    [import.meta.url, "onnxruntime-web"],
  ]) {
    try {
      const module = await import(pathToFileURL(createRequire(from).resolve(name)).href);
      const ort = module.default?.InferenceSession ? module.default : module;
      if (name === "onnxruntime-web") Object.assign(ort.env.wasm, { numThreads: 1 });
      return ort;
    } catch (error) {
      if (name === "onnxruntime-web") throw error;
    }
  }
  return null;
}

/** Images [H,W,C] one after the other as [C,H,W]. */
function channelsFirst(data, [h, w, c]) {
  const size = h * w * c;
  return data.map((_, i) => {
    const rest = i % size;
    return data[i - rest + (rest % (h * w)) * c + Math.floor(rest / (h * w))];
  });
}

/** The network of a file; open extents of images are 64, open channels 3. */
function imported(bytes, options, { extents }) {
  const own = extents.slice(1);
  if (own.every((extent) => extent !== null)) return importOnnx(bytes, options);
  const shapes =
    own.length < 3
      ? [own.map((extent) => extent ?? OPEN_EXTENT)]
      : [
          [own[1] ?? OPEN_EXTENT, own[2] ?? OPEN_EXTENT, own[0] ?? 3],
          [own[0] ?? OPEN_EXTENT, own[1] ?? OPEN_EXTENT, own[2] ?? 3],
        ];
  let first;
  for (const inputShape of shapes) {
    try {
      return importOnnx(bytes, { ...options, inputShape });
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** Random inputs as the network takes them: normal numbers, or bytes. */
function inputsOf({ inputShape, inputType }, count, seed) {
  const rng = new Rng(seed);
  const size = count * sizeOf(inputShape);
  if (inputType === "u8") return Uint8Array.from({ length: size }, () => Math.floor(256 * rng.uniform()));
  return Float32Array.from({ length: size }, () => rng.normal());
}

/** Outputs of both on the same inputs, and how far they are apart. */
async function agreement(net, session, ort, graph, output) {
  const { inputShape, inputType } = net.input;
  const [{ name, element, extents }] = graph.inputs;
  const batch = extents[0] ?? 1;
  const count = Math.ceil(INPUTS / batch) * batch;
  const data = inputsOf(net.input, count, 1);
  const wanted = [inputShape[2], inputShape[0], inputShape[1]];
  const own = extents.slice(1);
  // The file's own order: channels first unless its extents fit channels last alone.
  const fits = own.length !== 3 || own.every((extent, i) => extent === null || extent === wanted[i]);
  const first = inputShape.length === 3 && own.length !== 2 && fits;
  const theirs = first ? channelsFirst(data, inputShape) : data;
  const shape = own.length < 3 ? own.map((extent, i) => extent ?? inputShape[i]) : first ? wanted : inputShape;
  const ours = noGrad(() => {
    net.eval();
    const reals =
      inputType === "u8" ? Float32Array.from(data, (code) => Math.fround(code * net.input.inputStep)) : data;
    return net.forward(new Tensor(NDArray.from(reals, [count, ...inputShape], "f32")));
  });
  if (!(ours instanceof Tensor)) throw new Error("no tensor came of the network");
  const [, ...outShape] = ours.shape;
  const values = ours.toTypedArray();
  const size = sizeOf(shape) * batch;
  const width = (values.length / count) * batch;
  const run = async (input) => {
    const part = element === 2 ? input : Float32Array.from(input);
    return (
      await session.run({ [name]: new ort.Tensor(element === 2 ? "uint8" : "float32", part, [batch, ...shape]) })
    )[output];
  };
  let [absolute, scale, conditioning] = [0, 0, 0];
  for (let at = 0; at < count; at += batch) {
    const part = theirs.subarray((at / batch) * size, (at / batch + 1) * size);
    const { data: right, dims } = await run(part);
    const rows = values.subarray((at / batch) * width, (at / batch + 1) * width);
    if (right.length !== rows.length) throw new Error(`outputs: ${dims} against ${ours.shape}`);
    const last = `${dims.slice(1)}` === `${outShape}` && !(dims.length === 4 && dims[1] === outShape[2]);
    const got = outShape.length === 3 && !last ? channelsFirst(rows, outShape) : rows;
    absolute = Math.max(absolute, distance(right, got));
    for (const value of right) scale = Math.max(scale, Math.abs(Number(value)));
    // What the runtime itself makes of inputs that are one rounding off.
    const rng = new Rng(at);
    const near = element === 2 ? part : part.map((value) => value * (1 + (rng.bool(0.5) ? 1 : -1) * 2 ** -23));
    conditioning = Math.max(conditioning, distance(right, (await run(near)).data));
  }
  const relative = (difference) => (difference === 0 ? 0 : difference / scale);
  return { absolute, relative: relative(absolute), conditioning: relative(conditioning), output: outShape };
}

/** Largest difference of two lists; infinite where one has NaN and the other has not. */
function distance(a, b) {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(Number(a[i]) - b[i]);
    most = Math.max(most, Number.isNaN(difference) ? (Object.is(Number(a[i]), b[i]) ? 0 : Infinity) : difference);
  }
  return most;
}

/** Packing at 1W4A after `prepare`, with steps from random inputs. */
async function packing(bytes, options, input) {
  const net = imported(bytes, { ...options, logits: true }, input);
  const { inputShape } = net.input;
  prepare(net, { weights: 1, activations: 4 });
  const images = inputsOf(net.input, 2, 2);
  await calibrate(net, [{ images, shape: [2, ...inputShape] }], { inputStep: net.input.inputStep });
  net.eval();
  const packed = pack(net, net.input);
  const { identical, layers } = await verify(net, packed, { images }, { batch: 1 });
  const codes = layers.filter(({ kind }) => kind === "codes");
  return {
    bytes: packed.length,
    identical,
    codesEqual: codes.every(({ equal, total }) => equal === total),
    codes: codes.reduce((sum, { total }) => sum + total, 0),
  };
}

/** Everything about one file. */
async function survey(file) {
  const bytes = readFileSync(file);
  const result = { file, size: bytes.length };
  let graph;
  try {
    graph = graphOf(bytes);
  } catch (error) {
    return { ...result, outside: `not read: ${reason(error)}` };
  }
  const { producer, opset, nodes } = graph;
  Object.assign(result, { producer, opset, nodes: nodes.length, outside: outside(graph) });
  if (result.outside !== null) return result;
  const names = externalFiles(bytes);
  const missing = names.find((name) => !existsSync(path.join(path.dirname(file), name)));
  if (missing !== undefined) return { ...result, outside: `its values lie in ${missing}, which is not there` };
  const beside = names.map((name) => [name, readFileSync(path.join(path.dirname(file), name))]);
  // Labels and the like are whole numbers.
  const { name: output } = graph.outputs.find((value) => value.element === 1) ?? graph.outputs[0];
  const options = {
    file: path.basename(file),
    ...(beside.length > 0 && { externalData: new Map(beside) }),
    ...(graph.outputs.length > 1 && { output }),
  };
  const ort = await runtime();
  let session;
  try {
    session = await ort.InferenceSession.create(bytes, {
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
      ...(beside.length > 0 && { externalData: beside.map(([name, data]) => ({ path: name, data })) }),
    });
  } catch (error) {
    return { ...result, outside: `onnxruntime refuses it: ${reason(error)}` };
  }
  let net;
  try {
    net = imported(bytes, options, graph.inputs[0]);
    result.imported = true;
  } catch (error) {
    return { ...result, imported: false, refusal: reason(error), known: error.name === "FormatError" };
  }
  try {
    Object.assign(result, await agreement(net, session, ort, graph, output));
  } catch (error) {
    result.failure = reason(error);
  }
  try {
    Object.assign(result, { packed: await packing(bytes, options, graph.inputs[0]) });
  } catch (error) {
    result.notPacked = reason(error);
  }
  return result;
}

console.log(JSON.stringify(await survey(process.argv[2])));
process.exit(0);
