/**
 * @file What of an ONNX file says which kind of network it is, read without this library's importer: producer,
 * operators, inputs, outputs, constants. The rule of the survey's scope is decided by it alone.
 */

/** Fields of a protobuf message: [number, value] each, values as numbers or bytes. */
function* fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = view.getUint8(at++);
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    if (wire === 0) yield [field, varint()];
    else if (wire === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new Error("not an ONNX file: cut off");
      yield [field, bytes.subarray(at, at + length)];
      at += length;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
    } else throw new Error(`not an ONNX file: wire type ${wire}`);
  }
}

const all = (bytes, field) => [...fields(bytes)].filter(([at]) => at === field).map(([, value]) => value);
const one = (bytes, field) => all(bytes, field).at(-1);
const text = (bytes) => (bytes === undefined ? "" : new TextDecoder().decode(bytes));

/** A value of the graph: name, element type, extents (null where open). */
function valueInfo(bytes) {
  const type = one(bytes, 2);
  const tensor = type && one(type, 1);
  const shape = tensor && one(tensor, 2);
  // 2^63 and more are numbers below 0.
  const extent = (dim) => {
    const value = one(dim, 1);
    return value === undefined || value < 1 || value >= 2 ** 53 ? null : value;
  };
  return { name: text(one(bytes, 1)), element: tensor && one(tensor, 1), extents: shape && all(shape, 1).map(extent) };
}

/**
 * The graph of a file, as far as the survey asks.
 *
 * @param {Uint8Array} bytes
 */
export function graphOf(bytes) {
  const graph = one(bytes, 7);
  if (!(graph instanceof Uint8Array)) throw new Error("not an ONNX file: no graph");
  const constants = new Set(all(graph, 5).map((tensor) => text(one(tensor, 8))));
  const nodes = all(graph, 1).map((node) => ({
    op: text(one(node, 4)),
    domain: text(one(node, 7)),
    inputs: all(node, 1).map(text),
    outputs: all(node, 2).map(text),
    subgraphs: all(node, 5).some((attribute) => one(attribute, 6) !== undefined),
  }));
  const opsets = all(bytes, 8).filter((set) => ["", "ai.onnx"].includes(text(one(set, 1))));
  return {
    producer: [text(one(bytes, 2)), text(one(bytes, 3))].filter(Boolean).join(" "),
    opset: opsets.length === 0 ? 1 : one(opsets[0], 2),
    nodes,
    constants,
    inputs: all(graph, 11)
      .map(valueInfo)
      .filter(({ name }) => !constants.has(name)),
    outputs: all(graph, 12).map(valueInfo),
  };
}

const RECURRENT = ["LSTM", "GRU", "RNN"];
const DETECTION = ["NonMaxSuppression", "TopK", "RoiAlign", "MaxRoiPool"];
const WEIGHTED = ["Conv", "ConvTranspose", "Gemm", "MatMul"];
const ELEMENTS = { 1: "FLOAT", 2: "UINT8" };

/**
 * Why a graph is outside the survey: feed-forward networks of float weights with one input are inside.
 *
 * @returns {string | null} the reason, or null
 */
export function outside({ nodes, constants, inputs }) {
  const ops = new Set(nodes.map(({ op }) => op));
  const foreign = nodes.find(({ domain }) => !["", "ai.onnx"].includes(domain));
  if (foreign !== undefined) return `operators of another domain (${foreign.domain})`;
  if (inputs.length !== 1) return `${inputs.length} inputs`;
  const [{ element, extents }] = inputs;
  if (!(element in ELEMENTS)) return `input of element type ${element}`;
  if (extents === undefined || extents.length < 2) return "input without a batch and features";
  for (const op of RECURRENT) if (ops.has(op)) return `recurrent (${op})`;
  if (nodes.some(({ subgraphs }) => subgraphs)) return "a graph inside";
  for (const op of DETECTION) if (ops.has(op)) return `detection (${op})`;
  const quantized = [...ops].find((op) => /^(QLinear.*|QuantizeLinear|DynamicQuantizeLinear|.*Integer)$/.test(op));
  if (quantized !== undefined) return `quantized (${quantized})`;
  // What is computed of the input: products of two such values are attention.
  const computed = new Set(inputs.map(({ name }) => name));
  for (const node of nodes) {
    if (node.op !== "Shape" && node.inputs.some((name) => computed.has(name))) {
      for (const name of node.outputs) computed.add(name);
    }
  }
  const products = nodes.filter(({ op }) => op === "MatMul" || op === "Einsum");
  if (products.some(({ inputs: names }) => names.length > 1 && names.every((name) => computed.has(name))))
    return "attention (a product of two computed values)";
  if (!ops.has("Einsum") && !WEIGHTED.some((op) => ops.has(op))) return "no weights";
  return constants.size + nodes.filter(({ op }) => op.startsWith("Constant")).length === 0 ? "no weights" : null;
}
