/** @file Ranks on two hosts, which are namespaces of this machine: skipped where these cannot be made. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canMakeHosts, Hosts } from "../../scripts/hosts.mjs";
import { ofOneProcess } from "./leaves.js";
import { MPIS, Ranks } from "./mpi-tools.js";

const cannot = !canMakeHosts();

describe.skipIf(cannot)("two hosts", () => {
  let ranks: Ranks;
  let hosts: Hosts;
  beforeAll(async () => {
    ranks = await Ranks.bundle();
    hosts = new Hosts(2, 1);
  });
  afterAll(() => {
    hosts?.remove();
    ranks?.remove();
  });

  // Not MPICH: that of Debian 12 hangs now and then in MPI_Finalize, over TCP.
  describe.each(MPIS.filter(({ name }) => name === "Open MPI"))("$name", (mpi) => {
    const test = it.skipIf(mpi.missing);

    test("sums cross the network and have the bits of one process", async () => {
      const size = 3;
      const before = [1, 2].map((host) => hosts.sent(host));
      const {
        code,
        ranks: ended,
        stderr,
      } = await ranks.run([...hosts.mpirun(mpi.name, size), ...ranks.program("sums")]);
      expect([code, stderr]).toEqual([0, ""]);
      const expected = ofOneProcess();
      expect(ended).toEqual(Array.from({ length: size }, (_, rank) => [rank, size, "mpi", expected]));
      // At least one chunk of the longest vector for each of two sums, there and back.
      for (const host of [1, 2]) expect(hosts.sent(host) - before[host - 1]).toBeGreaterThan(200_000);
    });

    test("a rank that is frozen on the other host ends the run", async () => {
      const command = [...hosts.mpirun(mpi.name, 2), ...ranks.program("stop", "2")];
      const { code, stderr, seconds } = await ranks.run(command);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(
        /WorldError: sum: waited too long; expected every rank within 2 s, got none; look for a rank that hangs, or is lost, on the other machines; rank 0 ends the run/,
      );
      expect(seconds).toBeLessThan(30);
    });
  });
});
