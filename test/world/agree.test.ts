/** @file Ranks that must have something in common are told on which of them it differs. */
import { describe, expect, it } from "vitest";
import { WorldError } from "../../src/core/errors.js";
import { agree } from "../../src/world/agree.js";
import { aloneWorld, type World } from "../../src/world/world.js";

/** Ranks of this process that can gather, which is all that is asked of them here. */
function gatheringWorlds(size: number): World[] {
  const given: Uint8Array[] = [];
  let release = (): void => undefined;
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  return Array.from({ length: size }, (_, rank) => ({
    ...aloneWorld(),
    rank,
    size,
    gather: async (bytes: Uint8Array) => {
      given[rank] = bytes;
      if (Object.keys(given).length === size) release();
      await all;
      return given;
    },
  }));
}

/** What each rank is told; null if nothing. */
const told = (values: readonly string[], hint?: string): Promise<(string | null)[]> =>
  Promise.all(
    gatheringWorlds(values.length).map((world, rank) =>
      agree(world, "colour", values[rank], hint).then(
        () => null,
        (error) => (error instanceof WorldError ? error.message : `not typed: ${error}`),
      ),
    ),
  );

describe("agree", () => {
  it("lets ranks pass that have the same, and one rank whatever it has", async () => {
    expect(await told(["red", "red", "red"])).toEqual([null, null, null]);
    await expect(agree(aloneWorld(), "colour", "any")).resolves.toBeUndefined();
  });

  it.each([
    [["red", "blue"], 'rank 1 differs from rank 0 in its colour; expected "red", got "blue"'],
    [["red", "", "red", "blue"], 'ranks 1 and 3 differ from rank 0 in their colour; expected "red", got ""'],
    [
      ["red", "blue", "blue", "blue"],
      'ranks 1, 2 and 3 differ from rank 0 in their colour; expected "red", got "blue"',
    ],
    [["red", ...Array<string>(8).fill("blue")], /^ranks: ranks 1, 2, 3, 4, 5, 6, 7 and 8 differ/],
    [["red", ...Array<string>(20).fill("blue")], /^ranks: ranks 1, 2, 3, 4, 5, 6, 7, 8 and 12 more differ/],
  ])("tells every rank which of %j differ", async (values, message) => {
    const messages = await told(values, "paint");
    expect(new Set(messages).size).toBe(1);
    if (typeof message === "string") expect(messages[0]).toBe(`ranks: ${message}; paint`);
    else expect(messages[0]).toMatch(message);
  });
});
