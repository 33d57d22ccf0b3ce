/** @file Downloads with a fetch of our own: mirrors, checksums, progress, resuming, and no network. */

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArgumentError, DataError } from "../../src/core/errors.js";
import { datasetInfo } from "../../src/data/registry.js";
import { dataRoots } from "../../src/node/data-files.js";
import { type DownloadProgress, downloadDataset } from "../../src/node/download.js";
import { readFileBytes } from "../../src/node/files.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "coarsegrad-download-"));
});
afterEach(() => rm(root, { recursive: true }));

const quiet = () => {};
const noNetwork = async () => {
  throw Object.assign(new TypeError("fetch failed"), { cause: { code: "ENOTFOUND" } });
};

describe("failures", () => {
  it("no network: names the file, every mirror's answer and the way out, and leaves nothing", async () => {
    const failure = downloadDataset("mnist", root, quiet, { fetch: noNetwork });
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(
      /^mnist: cannot download train-images-idx3-ubyte\.gz; .*is there a network\?/,
    );
    for (const mirror of datasetInfo("mnist").mirrors) await expect(failure).rejects.toThrow(`${mirror}train-images`);
    await expect(failure).rejects.toThrow("ENOTFOUND");
    expect(await readdir(join(root, "mnist"))).toEqual([]);
  });
  it("a wrong checksum, an error page and too many bytes are each told", async () => {
    const answers = [() => new Response("not the file"), () => new Response("gone", { status: 404 })];
    let turn = 0;
    const failure = downloadDataset("mnist", root, quiet, { fetch: async () => answers[turn++ % 2]() });
    await expect(failure).rejects.toThrow(/12 bytes with SHA-256 [0-9a-f]{64}; .*HTTP status 404/);
    const long = async () => new Response(new Uint8Array(170052172));
    await expect(downloadDataset("cifar10", root, quiet, { fetch: long })).rejects.toThrow(
      /more than the 170052171 bytes/,
    );
    expect(await readdir(join(root, "mnist"))).toEqual([]);
  });
  it("an interruption ends it", async () => {
    const control = new AbortController();
    const fetch = async () => {
      control.abort();
      throw new Error("aborted");
    };
    const failure = downloadDataset("mnist", root, quiet, { fetch, signal: control.signal });
    await expect(failure).rejects.toThrow(/download interrupted/);
  });
  it("generated and unknown data sets", async () => {
    await expect(downloadDataset("digits", root)).rejects.toThrow(ArgumentError);
    await expect(downloadDataset("x", root)).rejects.toThrow(/unknown name/);
  });
  it("a directory that cannot be made", async () => {
    await writeFile(join(root, "file"), "");
    await expect(downloadDataset("mnist", join(root, "file"), quiet)).rejects.toThrow(/cannot be made/);
  });
});

/** The real labels file, where it is present, lets a download succeed without a network. */
async function realFolder(): Promise<string | undefined> {
  for (const folder of dataRoots().map((place) => join(place, "mnist"))) {
    const names = await readdir(folder).catch(() => [] as string[]);
    if (datasetInfo("mnist").files.every(({ name }) => names.includes(name))) return folder;
  }
  return undefined;
}
const real = await realFolder();
it.skipIf(real === undefined)(
  "a second mirror serves, progress adds up, and a second run fetches nothing (skipped where MNIST is absent)",
  async () => {
    const info = datasetInfo("mnist");
    const asked: string[] = [];
    const progress: DownloadProgress[] = [];
    const fetch = async (url: string) => {
      asked.push(url);
      if (url.startsWith(info.mirrors[0])) return new Response("busy", { status: 503 });
      return new Response((await readFileBytes(join(real as string, url.slice(info.mirrors[1].length)))) as BodyInit);
    };
    const folder = await downloadDataset("mnist", root, (p) => progress.push(p), { fetch });
    expect(folder).toBe(join(root, "mnist"));
    expect((await readdir(folder)).sort()).toEqual(info.files.map(({ name }) => name).sort());
    expect(asked).toEqual(info.files.flatMap(({ name }) => info.mirrors.map((mirror) => mirror + name)));
    for (const { name, bytes } of info.files) {
      const steps = progress.filter(({ file }) => file === name);
      expect(steps.every((step, i) => i === 0 || step.received > steps[i - 1].received)).toBe(true);
      expect(steps[steps.length - 1]).toEqual({ file: name, received: bytes, total: bytes });
    }
    await downloadDataset("mnist", root, quiet, { fetch: noNetwork });
    await writeFile(join(folder, info.files[1].name), "damaged");
    await downloadDataset("mnist", root, quiet, { fetch });
    expect(await readFileBytes(join(folder, info.files[1].name))).toHaveLength(info.files[1].bytes);
  },
);

describe("a mirror that does not give", () => {
  /** Answers of a server on this machine to the first file of a set. */
  async function fromServer(answer: (response: ServerResponse) => void, options: object): Promise<string> {
    const server = createServer((_, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const asked: string[] = [];
      const get = (mirror: string, init: RequestInit) => {
        asked.push(mirror);
        return fetch(url, init);
      };
      const failure = await downloadDataset("mnist", root, quiet, { fetch: get, ...options }).then(
        () => null,
        (error: unknown) => error,
      );
      expect(failure).toBeInstanceOf(DataError);
      // Every mirror was asked, and nothing of what came is left.
      expect(asked).toHaveLength(datasetInfo("mnist").mirrors.length);
      expect(await readdir(join(root, "mnist"))).toEqual([]);
      return (failure as Error).message;
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it("silent before or after its headers, or within the file", async () => {
    expect(await fromServer(() => {}, { stall: 100 })).toMatch(/nothing came for 0\.1 s/);
    expect(await fromServer((response) => response.writeHead(200).flushHeaders(), { stall: 100 })).toMatch(
      /nothing came/,
    );
    expect(await fromServer((response) => response.write("abc"), { stall: 100 })).toMatch(/nothing came/);
  });
  it("dripping", async () => {
    const drip = (response: ServerResponse) => {
      const timer = setInterval(() => response.write("a"), 20);
      response.on("close", () => clearInterval(timer));
    };
    expect(await fromServer(drip, { stall: 1000, minRate: 1000 })).toMatch(
      /too slow: \d+ bytes in .* s, at least 1000/,
    );
  });
  it("can be left by the user", async () => {
    const control = new AbortController();
    const never = () => new Promise<Response>(() => setTimeout(() => control.abort(), 20));
    const failure = downloadDataset("mnist", root, quiet, { fetch: never, signal: control.signal });
    await expect(failure).rejects.toThrow(/download interrupted/);
  });
});
