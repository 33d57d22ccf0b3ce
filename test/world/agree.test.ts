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
      agree(world, "the colour", values[rank], hint).then(
        () => null,
        (error) => (error instanceof WorldError ? error.message : `not typed: ${error}`),
      ),
    ),
  );

describe("agree", () => {
  it("lets ranks pass that have the same, and one rank whatever it has", async () => {
    expect(await told(["red", "red", "red"])).toEqual([null, null, null]);
    await expect(agree(aloneWorld(), "the colour", "any")).resolves.toBeUndefined();
  });

  it.each([
    [["red", "blue"], "got blue on rank 1"],
    [["red", "blue", "red", "blue"], "got blue on ranks 1 and 3"],
    [["red", "", "blue", "blue", "blue"], "got  on rank 1, blue on ranks 2, 3 and 4"],
    [["red", ...Array.from({ length: 20 }, () => "blue")], "got blue on ranks 1, 2, 3, 4, 5, 6, 7, 8 and 12 more"],
  ])("tells every rank which of %j differ", async (values, got) => {
    const message = `world: ranks do not agree on the colour; expected red as on rank 0, ${got}; paint`;
    expect(await told(values, "paint")).toEqual(values.map(() => message));
  });
});
