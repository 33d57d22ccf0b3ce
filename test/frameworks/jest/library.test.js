/** @file A project's own tests: train, pack, infer, read and write, in a realm that Jest makes for them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, jest, test } from "@jest/globals";
import {
  ArgumentError,
  backend,
  CoarsegradError,
  init,
  memory,
  NDArray,
  noGrad,
  Rng,
  scope,
  sha256Hex,
} from "coarsegrad";
import { digits, exampleDataset, imageDataset } from "coarsegrad/data";
import { pack, verify } from "coarsegrad/export";
import { createSession, readPacked } from "coarsegrad/infer";
import { readNpy, readSafetensors, writeIdx, writeNpy, writeSafetensors } from "coarsegrad/io";
import { lenet5 } from "coarsegrad/models";
import { Linear, ReLU, Sequential } from "coarsegrad/nn";
import { readFileBytes, saveFileAtomic } from "coarsegrad/node";
import { exportOnnx, importOnnx } from "coarsegrad/onnx";
import { BCGD, SGD } from "coarsegrad/optim";
import { binary, prepare, staircase } from "coarsegrad/quant";
import { createRun, runConfig } from "coarsegrad/run";
import { fit, load, loadCheckpoint, predict, restoreCheckpoint, save, saveCheckpoint } from "coarsegrad/train";

/** The same value, made by the other realm, the one that Jest itself runs in. */
const elsewhere = (value) => structuredClone(value);

test("the realms differ", () => {
  expect(elsewhere(new Float32Array(1)) instanceof Float32Array).toBe(false);
  expect(elsewhere({}) instanceof Object).toBe(false);
  expect(elsewhere(new Map()) instanceof Map).toBe(false);
});

test("trains, packs and infers on WebAssembly, from values of the other realm too", async () => {
  jest.spyOn(console, "warn").mockImplementation(() => {});
  const before = memory().arrays;
  const { train, test: held } = digits({ train: 96, test: 16 });
  const foreign = imageDataset({ ...train, images: elsewhere(train.images), labels: elsewhere(train.labels) });
  const net = lenet5({ rng: new Rng(1) });
  const first = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  await fit(net, foreign, { epochs: 1, optimizer: first });
  prepare(net, { weights: binary(), activations: staircase({ bits: 4 }) });
  const optimizer = new BCGD(net.parameters(), { lr: 0.01, momentum: 0.9, rho: 1e-5 });
  await fit(net, foreign, { epochs: 1, optimizer });
  expect(backend()).toBe("wasm");

  const model = pack(net, { inputShape: [28, 28, 1] });
  expect((await verify(net, elsewhere(model), { images: elsewhere(held.images) })).identical).toBe(true);
  const session = createSession(elsewhere(model).buffer);
  expect(session.predict(elsewhere(held.images))).toEqual(session.predict(held.images));
  const floats = Float32Array.from(held.images, (pixel) => pixel / 255);
  expect(session.run(elsewhere(floats))).toEqual(session.run(floats));
  const output = elsewhere(new Float32Array(160));
  session.run(held.images, output);
  expect([...output]).toEqual([...session.run(held.images)]);
  expect(readPacked(elsewhere(model)).plan.nodes.length).toBeGreaterThan(5);

  const checkpoint = saveCheckpoint({ net, optimizer, epoch: 1, step: 2 });
  restoreCheckpoint(loadCheckpoint(elsewhere(checkpoint)), net, optimizer);
  load(elsewhere(save(net)), net);
  expect(sha256Hex(elsewhere(model))).toBe(sha256Hex(model));
  console.log(`model ${sha256Hex(model)}`);
  session.dispose();
  for (const each of [first, optimizer, net]) each.dispose();
  expect(memory().arrays).toBe(before);
});

test("takes examples, tensors and containers of the other realm", async () => {
  const net = new Sequential(new Linear(3, 8, { rng: new Rng(1) }), new ReLU(), new Linear(8, 1, { rng: new Rng(2) }));
  const optimizer = new SGD(net.parameters(), { lr: 0.01 });
  const x = { shape: [20, 3], data: elsewhere(Float32Array.from({ length: 60 }, (_, i) => i % 7)) };
  const y = elsewhere(Float64Array.from({ length: 20 }, (_, i) => i % 3));
  await fit(net, exampleDataset(elsewhere({ x, y })), { loss: "mse", epochs: 1, optimizer });
  expect((await predict(net, elsewhere(x))).shape).toEqual([20, 1]);
  net.loadStateDict(
    elsewhere(new Map([...net.stateDict()].map(([key, a]) => [key, { shape: [...a.shape], data: a.toTypedArray() }]))),
  );
  const box = elsewhere({ list: [] });
  scope(() => {
    box.list.push(NDArray.from(elsewhere([1, 2]), [2]));
    return box;
  });
  expect([...box.list[0].view()]).toEqual([1, 2]);
  box.list[0].dispose();
  expect(() => noGrad(() => Promise.resolve(1))).toThrow("async function");
  for (const each of [optimizer, net]) each.dispose();
});

test("reads and writes formats", async () => {
  for (const type of [Float32Array, Float64Array, Int32Array, Int8Array, Uint8Array]) {
    const data = elsewhere(type.of(1, 2, 3, 4));
    expect([...readNpy(elsewhere(writeNpy([2, 2], data))).data]).toEqual([1, 2, 3, 4]);
    const { tensors } = readSafetensors(writeSafetensors([{ name: "a", shape: [2, 2], data }]));
    expect([...tensors.values()][0].data.constructor.name).toBe(type.name);
    expect(writeIdx([4], data)[3]).toBe(1);
  }
  const net = new Sequential(new Linear(4, 2, { rng: new Rng(1) }));
  const imported = importOnnx(elsewhere(exportOnnx(net, { inputShape: [4] })));
  for (const each of [imported, net]) (each.net ?? each).dispose();
  const file = fileURLToPath(new URL("./written.bin", import.meta.url));
  await saveFileAtomic(file, elsewhere(Uint8Array.of(1, 2, 3)));
  expect([...(await readFileBytes(file))]).toEqual([1, 2, 3]);
  await expect(readFileBytes(`${file}-none`)).rejects.toThrow(CoarsegradError);
});

test("refuses by its own errors, which are errors of this realm", () => {
  for (const wrong of [() => lenet5({ classes: -1 }), () => createSession({}), () => new NDArray(elsewhere({}))]) {
    expect(wrong).toThrow(ArgumentError);
    expect(wrong).toThrow(Error);
  }
  expect(() => createSession(elsewhere(Uint8Array.of(1, 2, 3)))).toThrow(/packed model/);
  expect(() => NDArray.zeros([2 ** 40])).toThrow(CoarsegradError);
});

test("takes a compiled module, threads and a configuration", async () => {
  const kernels = readFileSync(new URL("./node_modules/coarsegrad/dist/kernels.wasm", import.meta.url));
  expect(init({ module: new WebAssembly.Module(kernels) })).toBe("wasm");
  const config = runConfig({ model: "mlp", bits: "1W4A", limit: 64, testLimit: 16, epochs: 1 });
  const one = await createRun(config);
  expect(await init({ threads: 2 })).toBe("wasm");
  expect((await createRun(elsewhere(config))).weightsSha256).toBe(one.weightsSha256);
  expect(init()).toBe("wasm");
});
