/** @file A session that serves for long: neither the heap nor what JavaScript holds grows with its requests. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { writePacked } from "../../src/format/index.js";
import { createSession } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/engine.js";
import { randomModel } from "../format/models.js";

/** Bytes that JavaScript may hold more after 9,000 requests than after 1,000: a hundred for each would be twice as many. */
const SLACK = 2 ** 19;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function held(): number {
  for (let n = 0; n < 3; n++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it("10,000 requests, among them bad ones, take nothing that stays", () => {
  const { plan, data } = randomModel(new Rng(17), 8);
  using session = createSession(writePacked(plan, data), { maxBatch: 4 });
  const size = sizeOf(plan.input.shape);
  const make = (count: number) =>
    plan.input.dtype === "u8" ? new Uint8Array(count * size) : new Float32Array(count * size);
  const expected = session.run(make(3));
  const request = (n: number): void => {
    if (n % 10 === 9) expect(() => session.run(new Uint8Array(1 + size * 2))).toThrow(ArgumentError);
    else if (n % 10 === 8) session.predict(make(6));
    else if (session.run(make(3)).join() !== expected.join()) throw new Error(`request ${n} got another answer`);
  };
  for (let n = 0; n < 1000; n++) request(n);
  const [heapBefore, before] = [memory(), held()];
  for (let n = 1000; n < 10_000; n++) request(n);
  expect(memory()).toEqual(heapBefore);
  expect(held() - before).toBeLessThan(SLACK);
});
