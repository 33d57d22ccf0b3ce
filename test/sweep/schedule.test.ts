/** @file Graphs of runs: order, sources, and what a failure, a stop and a limit do. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inOrder, withSources } from "../../src/sweep/graph.js";
import { type Node, runGraph } from "../../src/sweep/scheduler.js";

/** Runs of which each starts from none, or from one before it; shuffled. */
const forests = fc.array(fc.nat(100), { minLength: 1, maxLength: 20 }).chain((picks) =>
  fc.shuffledSubarray(
    picks.map((pick, i): Node => ({ id: `${i}`, from: pick % (i + 1) === i ? null : `${pick % (i + 1)}` })),
    { minLength: picks.length },
  ),
);
const ordered = (nodes: readonly Node[]) =>
  inOrder(
    nodes,
    ({ id }) => id,
    ({ from }) => from,
    "test",
  );

describe("order", () => {
  it("has all runs once, each after its source", () => {
    fc.assert(
      fc.property(forests, (nodes) => {
        const ids = ordered(nodes).map(({ id }) => id);
        expect([...ids].sort()).toEqual(nodes.map(({ id }) => id).sort());
        for (const { id, from } of nodes) if (from !== null) expect(ids.indexOf(from)).toBeLessThan(ids.indexOf(id));
        expect(ordered(ordered(nodes))).toEqual(ordered(nodes));
      }),
    );
  });

  it("names a circle that is one, wherever it is", () => {
    fc.assert(
      fc.property(forests, fc.nat(), (nodes, pick) => {
        // The first of a line of sources starts from one that comes of it.
        const line = withSources(
          [nodes[pick % nodes.length]],
          nodes,
          ({ id }) => id,
          ({ from }) => from,
        );
        const first = line.find(({ from }) => from === null) as Node;
        const broken = nodes.map((node) => (node === first ? { ...node, from: nodes[pick % nodes.length].id } : node));
        let told = "";
        try {
          ordered(broken);
        } catch (error) {
          told = (error as Error).message;
        }
        const circle = (/got (.*)$/.exec(told)?.[1] ?? "").split(" from ");
        expect(circle.length).toBeGreaterThan(1);
        expect(circle[0]).toBe(circle.at(-1));
        for (const [i, id] of circle.slice(0, -1).entries()) {
          expect(broken.find((node) => node.id === id)?.from).toBe(circle[i + 1]);
        }
      }),
    );
  });
});

describe("the scheduler", () => {
  it("keeps to the limit and to the order; what fails stops only what starts from it", async () => {
    const property = fc.asyncProperty(
      forests,
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      fc.scheduler(),
      async (nodes, limit, fails, s) => {
        const [done, begun] = [new Set<string>(), new Set<string>()];
        let [running, most] = [0, 0];
        const work = runGraph<Node, string>(ordered(nodes), {
          limit,
          signal: new AbortController().signal,
          async perform({ id, from }) {
            expect(begun.has(id)).toBe(false);
            begun.add(id);
            if (from !== null) expect(done.has(from)).toBe(true);
            most = Math.max(most, ++running);
            await s.schedule(Promise.resolve());
            running--;
            if (fails[Number(id)]) throw new Error(`no ${id}`);
            done.add(id);
            return `result ${id}`;
          },
        });
        await s.waitFor(work);
        const endings = await work;
        expect(most).toBeLessThanOrEqual(limit);
        const byId = new Map(nodes.map((node) => [node.id, node]));
        const sourceFails = ({ from }: Node): boolean => {
          const source = from === null ? undefined : byId.get(from);
          return source !== undefined && (fails[Number(source.id)] || sourceFails(source));
        };
        for (const node of nodes) {
          const { id, from } = node;
          const ending = endings.get(id);
          if (sourceFails(node)) expect(ending).toEqual({ status: "skipped", source: from });
          else if (fails[Number(id)]) expect(ending).toMatchObject({ status: "failed", error: new Error(`no ${id}`) });
          else expect(ending).toEqual({ status: "done", result: `result ${id}` });
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it("uses all that the limit allows", async () => {
    let [running, most] = [0, 0];
    const nodes = Array.from({ length: 9 }, (_, i): Node => ({ id: `${i}`, from: null }));
    await runGraph(nodes, {
      limit: 3,
      signal: new AbortController().signal,
      async perform() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      },
    });
    expect(most).toBe(3);
  });

  it("begins nothing after a stop, and says what was left", async () => {
    const controller = new AbortController();
    const nodes: Node[] = [
      { id: "a", from: null },
      { id: "b", from: null },
      { id: "c", from: "a" },
    ];
    const endings = await runGraph(nodes, {
      limit: 1,
      signal: controller.signal,
      async perform() {
        controller.abort();
        throw new Error("stopped");
      },
    });
    expect([...endings].map(([id, { status }]) => [id, status])).toEqual([
      ["a", "stopped"],
      ["b", "stopped"],
      ["c", "stopped"],
    ]);
  });
});
