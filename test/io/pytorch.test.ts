/** @file PyTorch's checkpoints: what Python pickled, every kind of refusal, and files that would harm a loader. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { readPyTorch } from "../../src/io/pytorch.js";
import type { SafeTensor } from "../../src/io/safetensors.js";
import { refusal, survivesMutation, unaligned } from "./malformed.js";
import { archiveOf, legacyBytes, legacyOf, op, pytorchOf } from "./pytorch-of.js";
import { zipOf } from "./zip-of.js";

interface Fixture {
  arrays: Record<string, { shape: number[]; values: (number | "inf" | "-inf")[] }>;
  files: Record<string, string>;
}
const fixture = JSON.parse(readFileSync(path.join(import.meta.dirname, "../fixtures/pytorch.json"), "utf8")) as Fixture;
const file = (name: string): Uint8Array => new Uint8Array(Buffer.from(fixture.files[name], "base64"));

describe("readPyTorch", () => {
  it.each([
    ["state", null],
    ["protocol4", null],
    ["checkpoint", "state_dict"],
    ["legacy", null],
    ["legacyCheckpoint", "state_dict"],
  ])("reads the state dict that Python pickled: %s", (name, key) => {
    const read = readPyTorch(unaligned(file(name)));
    expect(read.key).toBe(key);
    expect([...read.tensors.keys()]).toEqual(Object.keys(fixture.arrays));
    for (const [tensor, { shape, values }] of Object.entries(fixture.arrays)) {
      const own = read.tensors.get(tensor);
      expect(own?.shape, tensor).toEqual(shape);
      const wanted = values.map((v) => (typeof v === "string" ? Number(v.replace("inf", "Infinity")) : v));
      expect(Array.from(own?.data ?? [], Number), tensor).toEqual(wanted);
    }
    expect(read.tensors.get("halves")).toMatchObject({ dtype: "F32", stored: "F16" });
    expect(read.tensors.get("brains")).toMatchObject({ dtype: "F32", stored: "BF16" });
    expect(Object.fromEntries(read.unread)).toEqual({
      wave: "torch.ComplexFloatStorage",
      _extra_state: "no tensor: None",
    });
  });
  it("tensors are copies, shared storage or not", () => {
    const { tensors } = readPyTorch(file("state"));
    const { data } = tensors.get("shared") as { data: Float32Array };
    expect(data[1]).toBe(1);
    data.fill(-1);
    expect(Number(tensors.get("gaps")?.data[0])).toBe(1);
  });
  it("finds the state dict, or is told", () => {
    expect(readPyTorch(file("model")).key).toBe("model");
    expect(readPyTorch(file("other")).key).toBe("teacher");
    expect(refusal(readPyTorch, file("several"))).toContain("several state dicts; expected one, got teacher, student");
    expect(readPyTorch(file("several"), "x", { key: "student" }).key).toBe("student");
    expect([...readPyTorch(file("checkpoint"), "x", { key: "ema" }).tensors.keys()]).toEqual(["fc.weight"]);
    const read = (bytes: Uint8Array, name: string) => readPyTorch(bytes, name, { key: "lr" });
    expect(refusal(read, file("checkpoint"))).toContain("expected state_dict or ema, got lr of epoch (a number)");
  });
  it.each([
    ["module", "holds Python objects; expected tensors and plain values alone, got torchvision.models.resnet.ResNet"],
    ["moduleInside", "torch.save(model.state_dict()"],
    ["evil", "got posix.system"],
    ["bigEndian", "byte order; expected little, got big"],
    ["tensor", "no state dict; expected tensors by name, got a tensor"],
    ["nothing", "no state dict; expected tensors by name, got epoch (a number), lr (a number), best (numpy"],
    [
      "legacyModule",
      "holds Python objects; expected tensors and plain values alone, got torchvision.models.resnet.ResNet",
    ],
    ["legacyBigEndian", "byte order; expected little, got big"],
    ["legacyVersion", "version of torch.save; expected 1001, got 1002"],
    ["legacyView", "storage 94000000; expected one of its own, got a part of another"],
  ])("refuses %s in plain words", (name, message) => {
    expect(refusal(readPyTorch, file(name))).toContain(message);
  });
  it("names archives of other kinds", () => {
    const member = (name: string) => zipOf([[name, new Uint8Array(3)]]);
    expect(refusal(readPyTorch, member("word/document.xml"))).toContain("one data.pkl, got word/document.xml");
    expect(refusal(readPyTorch, new Uint8Array(50))).toContain("not a PyTorch archive");
    const script = zipOf(["data.pkl", "constants.pkl"].map((name) => [`a/${name}`, new Uint8Array(1)]));
    expect(refusal(readPyTorch, script)).toContain("got a TorchScript program");
  });
  it.each(["checkpoint", "legacyCheckpoint"])("is cut or changed: a value or an error of the library: %s", (name) => {
    const good = file(name);
    for (let n = 0; n < good.length; n += 1 + (n % 13)) refusal(readPyTorch, good.slice(0, n));
    survivesMutation(readPyTorch, good);
  });
  it("reads tensors as they were pickled before 0.4", () => {
    const { data, shape } = readPyTorch(file("legacyOld")).tensors.get("fc.weight") as SafeTensor;
    expect([shape, [...data]]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
  describe("before 1.6", () => {
    const state = new Map([
      ["b", { storage: "Float", data: Float32Array.of(1, 2), shape: [2] }],
      ["a", { storage: "Long", data: BigInt64Array.of(3n), shape: [1] }],
    ]);
    const good = legacyOf(state);
    const refused = (change: (bytes: number[]) => void): string => {
      const bytes = [...good];
      change(bytes);
      return refusal(readPyTorch, Uint8Array.from(bytes));
    };
    /** The storages: 8 bytes of the count and 8 of the elements, twice. */
    const storages = good.length - 32;
    it("reads storages in the order of the file", () => {
      const { tensors } = readPyTorch(unaligned(good));
      expect([...tensors].map(([name, { data }]) => [name, ...data])).toEqual([
        ["b", 1, 2],
        ["a", 3n],
      ]);
    });
    it("refuses what does not fit together", () => {
      expect(refused((bytes) => bytes.push(0))).toContain(`end; expected ${good.length} bytes, got ${good.length + 1}`);
      expect(refused((bytes) => bytes.pop())).toContain(`${good.length} bytes, got a file of ${good.length - 1}`);
      expect(refused((bytes) => bytes.splice(storages, 1, 1))).toContain("storage 0; expected 2 elements, got 1");
      expect(refused((bytes) => bytes.splice(storages + 7, 1, 128))).toContain(
        "storage 0; expected 2 elements, got 9223",
      );
      const keys = (...names: string[]) => legacyOf(state, names);
      expect(refusal(readPyTorch, keys("0", "0"))).toContain("each storage of the pickle once, got twice");
      expect(refusal(readPyTorch, keys("0", "2"))).toContain("got one that it does not name");
      expect(refusal(readPyTorch, keys("0"))).toContain("storage 1; expected one in the file, got none");
      const two = [op.storage("Float", "0", 2), op.storage("Float", "0", 3)];
      const pairs = two.map((storage, i) => [...op.text(`w${i}`), ...op.tensor(storage, [2], [1])]);
      expect(refusal(readPyTorch, legacyBytes(op.dict(...pairs), ["0"], [new Uint8Array(8)]))).toContain(
        "storage 0; expected 2 elements, 8 bytes, got 3, 12",
      );
    });
  });
  it("changed pickles inside whole archives too", () => {
    const state = new Map([["w", { storage: "Float", data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] }]]);
    const good = pytorchOf(state);
    expect([...(readPyTorch(good).tensors.get("w")?.data ?? [])]).toEqual([1, 2, 3, 4]);
    const pickle = [...op.dict([...op.text("w"), ...op.tensor(op.storage("Float", "0", 4), [2, 2], [2, 1])])];
    for (let seed = 0; seed < 4000; seed++) {
      const rng = new Rng(`pickle ${seed}`);
      const changed = pickle.slice();
      for (let k = 0; k <= rng.int(3); k++) changed[rng.int(changed.length)] = rng.int(256);
      const bytes = archiveOf(changed, [new Uint8Array(16)]);
      try {
        readPyTorch(bytes, "some.file");
      } catch {
        // What it throws, `refusal` looks at.
        refusal(readPyTorch, bytes);
      }
    }
  });
});

describe("files that would harm", () => {
  const storage = op.storage("Float", "0", 4);
  const one = (...tensor: number[]): Uint8Array =>
    archiveOf(op.dict([...op.text("w"), ...tensor]), [new Uint8Array(16)]);
  it.each([
    ["strides of 0 that make a gigabyte of four bytes", op.tensor(storage, [2 ** 15, 2 ** 15], [0, 0]), "elements"],
    [
      "extents that overflow",
      op.tensor(storage, Array<number>(40).fill(2 ** 30), Array<number>(40).fill(1)),
      "elements",
    ],
    ["65 axes", op.tensor(storage, Array<number>(65).fill(1), Array<number>(65).fill(1)), "at most 64 axes, got 65"],
    ["a place outside", op.tensor(storage, [2, 2], [2, 1], 1), "place; expected one inside 4 elements, got up to 4"],
    ["strides outside", op.tensor(storage, [2, 2], [2, 2]), "got up to 4"],
    ["negative strides", op.tensor(storage, [2, 2], [2, -1], 1), "an offset, extents and strides"],
    [
      "a storage of another length",
      op.tensor(op.storage("Float", "0", 5), [4], [1]),
      '"net/data/0"; expected 20 bytes, got 16',
    ],
    ["a storage that is not there", op.tensor(op.storage("Float", "7", 4), [4], [1]), "no such member"],
    ["a storage of no class", op.tensor(op.text("x"), [4], [1]), "a storage, got a string"],
    ["a call of eval", op.call(op.global("builtins", "eval"), op.tuple(op.text("1"))), "got builtins.eval"],
    ["a name by the stack", [...op.text("os"), ...op.text("system"), 0x93], "got os.system"],
    ["another opcode", [0x69], "opcode; expected one that weights are saved with, got 0x69"],
    ["a call of what is no name", op.call(op.int(1), op.tuple()), "a known name"],
    ["a memo that is empty", [0x68, 9], "memo"],
    ["no value", [0x30, 0x30, 0x30, 0x85], "a value, got none"],
    ["no mark", [0x30, 0x30, 0x30], "a mark, got none"],
    ["texts longer than the file", [0x58, 255, 255, 255, 255], "truncated"],
    ["texts of 2^63 bytes", [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80], "truncated"],
    ["whole numbers of 16 MB", [0x8b, 0, 0, 0, 1], "at most 64 bytes"],
    [
      "a function of itself",
      op.call(
        op.global("torch._tensor", "_rebuild_from_type_v2"),
        op.tuple(op.global("torch._tensor", "_rebuild_from_type_v2"), op.int(0), op.tuple(), op.int(0)),
      ),
      "a function that is known",
    ],
  ])("%s", (_, tensor, message) => {
    expect(refusal(readPyTorch, one(...tensor))).toContain(message);
  });
  it("many tensors on one storage take no more than a few times the file", () => {
    const data = new Uint8Array(2 ** 16);
    const memo = [0x71, 1];
    const first = [...op.text("a"), ...op.tensor(op.storage("Byte", "0", data.length), [data.length], [1]), ...memo];
    const again = (k: number): number[] => [...op.text(`b${k}`), 0x68, 1];
    const tied = (count: number) =>
      archiveOf(op.dict(first, ...Array.from({ length: count }, (__, k) => again(k))), [data]);
    expect(readPyTorch(tied(3)).tensors.size).toBe(4);
    expect(refusal(readPyTorch, tied(2000))).toContain("shared storages");
  });
  it("dicts in themselves, and a hundred thousand levels", () => {
    // d = {}; d["w"] = d
    expect(refusal(readPyTorch, archiveOf([0x7d, 0x71, 0, ...op.text("w"), 0x68, 0, 0x73]))).toContain("no state dict");
    const deep = [...Array<number>(100_000).fill(0x5d), ...Array<number>(99_999).fill(0x61)];
    expect(refusal(readPyTorch, archiveOf(deep))).toContain("no state dict; expected tensors by name, got a list");
  });
  it("a key __proto__ is a name like others", () => {
    const state = new Map([["__proto__", { storage: "Float", data: Float32Array.of(5), shape: [1] }]]);
    expect([...readPyTorch(pytorchOf(state)).tensors.keys()]).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["data"]).toBeUndefined();
  });
  it("compressed storages are refused", () => {
    const good = pytorchOf(new Map([["w", { storage: "Float", data: Float32Array.of(5), shape: [1] }]]));
    // The method of the third entry of the directory.
    const entries = [...good.keys()].filter((i) => good[i] === 0x50 && good[i + 1] === 0x4b && good[i + 2] === 1);
    good[entries[2] + 10] = 8;
    expect(refusal(readPyTorch, good)).toContain("a member that is stored, got a compressed one");
  });
});
