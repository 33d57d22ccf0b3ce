/**
 * @file The packed runtime starts with its own kernels; training that begins later in the same program brings the rest.
 */
import { expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { writePacked } from "../../src/format/index.js";
import { tensor } from "../../src/index.js";
import { createSession } from "../../src/infer/index.js";
import { kernelsFor } from "../../src/kernels/engine.js";
import { randomModel } from "../format/models.js";

it("a session that runs keeps running, with the same outputs, when arrays need all kernels", () => {
  const { plan, data } = randomModel(new Rng("beside training"), 8);
  const input = new Uint8Array(2 * sizeOf(plan.input.shape)).fill(100);
  const images = plan.input.dtype === "u8" ? input : Float32Array.from(input);
  using session = createSession(writePacked(plan, data));
  const before = session.run(images);
  expect("f32_exp" in kernelsFor("f32")).toBe(false);
  using x = tensor([0, 1]);
  using y = x.exp();
  expect([...y.toTypedArray()]).toEqual([1, Math.fround(Math.E)]);
  expect("f32_exp" in kernelsFor("f32")).toBe(true);
  expect([...session.run(images)]).toEqual([...before]);
});
