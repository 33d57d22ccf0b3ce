/** @file Learning rates of activation steps and batch norms apart: groups, and by how much one step moves them. */
import { describe, expect, it } from "vitest";
import type { Parameter } from "../../src/nn/index.js";
import { networkOf, runConfig } from "../../src/run/index.js";
import { parametersOf } from "../../src/run/parameter-groups.js";
import { disposeLater } from "../leaks.js";

type Groups = { parameters: Parameter[]; lr: number }[];

describe("parameter groups", () => {
  it("are one list unless a rate is chosen", () => {
    const config = runConfig({ model: "resnet20", data: "cifar10", bits: "1W4A", lr: 0.1, alphaLr: 0.01, normLr: 1 });
    const net = disposeLater(networkOf(config));
    expect([...(parametersOf(net, config) as Iterable<Parameter>)]).toEqual(net.parameters());
  });

  it("hold every parameter once, steps and batch norms with their multiples of the rate", () => {
    const config = runConfig({ model: "resnet20", data: "cifar10", bits: "1W4A", lr: 0.1, alphaLr: 0.05, normLr: 0.5 });
    const net = disposeLater(networkOf(config).nameParameters());
    const [rest, steps, norms] = parametersOf(net, config) as unknown as Groups;
    expect(rest.lr).toBe(0.1);
    // Times the hundredth that steps have by themselves: 0.05 times the rate.
    expect(steps.lr * (steps.parameters[0].constraint?.lrScale ?? 1)).toBeCloseTo(0.05 * 0.1, 12);
    expect(norms.lr).toBeCloseTo(0.05, 12);
    expect(steps.parameters.every(({ name }) => name.endsWith("alpha"))).toBe(true);
    expect(
      norms.parameters.every(({ name }) => /(bn|norm|shortcut|downsample|\d)[^.]*\.(weight|bias)$/.test(name)),
    ).toBe(true);
    const all = [rest, steps, norms].flatMap(({ parameters }) => parameters);
    expect(new Set(all).size).toBe(net.parameters().length);
    expect(all.length).toBe(net.parameters().length);
    expect(norms.parameters.every(({ shape }) => shape.length === 1)).toBe(true);
    expect(rest.parameters.some(({ name }) => name.endsWith("alpha"))).toBe(false);
  });
});
