/**
 * @file PyTorch's checkpoints (`.pt`, `.pth`, `.th`, `.ckpt`): a pickle and the memory of its tensors, in a ZIP
 * archive or, as before 1.6, one after the other. The pickle is read, not run.
 */
import { checkOptions, text } from "../core/checks.js";
import { isMap } from "../core/containers.js";
import { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";
import { bytesOf } from "./doors.js";
import { isLegacyPyTorch } from "./foreign-weights.js";
import { type PickleReader, PyName, PyObject, PyTuple, readPickle } from "./pickle.js";
import { readLegacy } from "./pytorch-legacy.js";
import { Copier, type FindStorage, Storage, StoredTensor } from "./pytorch-tensors.js";
import { typeOf } from "./pytorch-types.js";
import type { SafeTensor } from "./safetensors.js";
import { type ZipFail, type ZipMember, zipMembers } from "./zip.js";

/** The tensors of a state dict. */
export interface PyTorchFile {
  /** By key, in the order of the file: F16 and BF16 as F32, in row-major order; copies, owned by the caller. */
  readonly tensors: Map<string, SafeTensor>;
  /** Entries of the state dict that are no tensors, or of an element type that is not read, with what they are. */
  readonly unread: Map<string, string>;
  /** The key of the checkpoint that the state dict stands under, such as `state_dict`; null where it is the whole. */
  readonly key: string | null;
}

/** Choices of {@link readPyTorch}. */
export interface PyTorchOptions {
  /** The key of the checkpoint under which the state dict stands. Default: the usual one, or the only one. */
  readonly key?: string;
}

const UNTYPED = "torch.storage.UntypedStorage";
const DICTS = ["collections.OrderedDict", "collections.defaultdict", "collections.Counter"];
const REBUILD = [
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_tensor_v3",
  "torch._utils._rebuild_parameter",
  "torch._utils._rebuild_parameter_with_state",
  "torch._tensor._rebuild_from_type_v2",
];
/** What stands beside weights in checkpoints: read over, whatever it holds. */
const BESIDE = [
  "torch.Size",
  "torch.device",
  "torch.Tensor",
  "torch.nn.parameter.Parameter",
  "argparse.Namespace",
  "builtins.set",
  "builtins.int",
  "builtins.list",
  "builtins.dict",
  "builtins.complex",
  "__builtin__.set",
  "__builtin__.int",
  "__builtin__.list",
  "__builtin__.dict",
  "_codecs.encode",
  "numpy.dtype",
  "numpy.ndarray",
  "numpy.core.multiarray.scalar",
  "numpy.core.multiarray._reconstruct",
  "numpy._core.multiarray.scalar",
  "numpy._core.multiarray._reconstruct",
];
const KNOWN: ReadonlySet<string> = /* @__PURE__ */ new Set([...DICTS, ...REBUILD, ...BESIDE, UNTYPED]);

/** Where checkpoints commonly keep the weights, the first first. */
const USUAL_KEYS = ["state_dict", "model_state_dict", "model", "model_state", "net", "network", "weights", "params"];
/** As many axes as PyTorch has. */
const MOST_AXES = 64;
const HINT = 'save the weights alone: torch.save(model.state_dict(), "weights.pt")';

/**
 * Reads the state dict of a checkpoint that `torch.save` wrote: an archive of at most 4 GB, or the format before 1.6.
 * Nothing in it is executed: tensors, plain values and a list of names are known, all else is refused by its name.
 *
 * A checkpoint that holds more than a state dict gives that under `state_dict`, `model_state_dict`, `model` or the like,
 * or the only one; `options.key` chooses.
 *
 * @param given the whole file
 * @param file its name for messages
 * @throws FormatError that names the file: no such archive, another byte order, a whole pickled module or other objects,
 *   opcodes beyond those of weights, tensors outside their storages or larger than them, no state dict, or several
 * @example
 * loadPyTorch(net, readPyTorch(bytes).tensors, { inputShape: [32, 32, 3] });
 */
export function readPyTorch(
  given: Uint8Array | ArrayBufferLike,
  file = "checkpoint",
  options: PyTorchOptions = {},
): PyTorchFile {
  const bytes = bytesOf("readPyTorch", given, file);
  checkOptions<PyTorchOptions>("readPyTorch", options, { key: text });
  const fail: ZipFail = (what, expected, got, hint) => new FormatError({ op: file, what, expected, got, hint });
  const root = isLegacyPyTorch(bytes)
    ? readLegacy(bytes, (find) => new CheckpointReader(find, fail))
    : readArchive(bytes, file, fail);
  const { key, state } = stateOf(root, options.key, fail);
  const copier = new Copier(bytes.length, fail);
  const tensors = new Map<string, SafeTensor>();
  const unread = new Map<string, string>();
  for (const [name, value] of state) {
    if (typeof name !== "string") continue;
    if (!(value instanceof StoredTensor)) unread.set(name, `no tensor: ${kindOf(value)}`);
    else if (typeOf(value.type)?.dtype === null) unread.set(name, value.type);
    else tensors.set(name, copier.copy(name, value));
  }
  return { tensors, unread, key };
}

/** What an archive's pickle holds. */
function readArchive(bytes: Uint8Array, file: string, fail: ZipFail): unknown {
  const members = membersOf(bytes, file, fail);
  const pickle = members.get("data.pkl") as ZipMember;
  const find: FindStorage = (key, count, bytesEach) => {
    const size = count * bytesEach;
    const member = members.get(`data/${key}`);
    if (member === undefined) throw fail(`storage ${cut(key, 40)}`, `data/${cut(key, 40)}`, "no such member");
    if (!member.stored) throw fail(`"${member.name}"`, "a member that is stored", "a compressed one");
    if (member.size !== size) throw fail(`"${member.name}"`, `${size} bytes`, `${member.size}`);
    return member;
  };
  return readPickle(pickle.contents(), new CheckpointReader(find, fail));
}

/** Members by their names in the archive's one folder. */
function membersOf(bytes: Uint8Array, file: string, fail: ZipFail): Map<string, ZipMember> {
  const all = new Map<string, ZipMember>();
  for (const member of zipMembers(bytes, file, "PyTorch", fail)) {
    if (all.has(member.name)) throw fail(`"${member.name}": member`, "each name once", "twice");
    all.set(member.name, member);
  }
  const pickles = [...all.keys()].filter((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
  if (pickles.length !== 1) {
    const names = cut([...all.keys()].slice(0, 8).join(", ") || "nothing", 200);
    throw fail("not a PyTorch checkpoint", "an archive with one data.pkl", names);
  }
  const folder = pickles[0].slice(0, -"data.pkl".length);
  const members = new Map(
    [...all].flatMap(([name, member]) => (name.startsWith(folder) ? [[name.slice(folder.length), member]] : [])),
  );
  if (members.has("constants.pkl")) {
    const hint = 'torch.save(torch.jit.load("IN.pt").state_dict(), "weights.pt") takes its weights out';
    throw fail("not a PyTorch checkpoint", "a state dict", "a TorchScript program", hint);
  }
  const order = members.get("byteorder");
  const stated = order === undefined ? "little" : new TextDecoder().decode(order.contents().subarray(0, 20));
  if (stated !== "little") throw fail("byte order", "little", stated, "save it on a machine of the usual byte order");
  return members;
}

/** What a checkpoint's pickle may mention, and what becomes of it. */
class CheckpointReader implements PickleReader {
  readonly #find: FindStorage;
  readonly #fail: ZipFail;

  constructor(find: FindStorage, fail: ZipFail) {
    this.#find = find;
    this.#fail = fail;
  }

  fail(what: string, expected: string, got: string): FormatError {
    return this.#fail(what, expected, got);
  }

  name(name: string): PyName {
    if (KNOWN.has(name) || typeOf(name) !== undefined) return new PyName(name);
    throw this.#fail("holds Python objects", "tensors and plain values alone", cut(name, 100), HINT);
  }

  persistent(id: unknown): Storage {
    const [kind, type, key, , count, view = null] = id instanceof PyTuple ? id.items : [];
    const bytes = type instanceof PyName ? (type.name === UNTYPED ? 1 : typeOf(type.name)?.bytes) : undefined;
    if (kind !== "storage" || bytes === undefined || typeof key !== "string" || !isCount(count)) {
      throw this.fail("storage", '("storage", class, key, device, elements)', kindOf(id));
    }
    if (view !== null) throw this.fail(`storage ${cut(key, 40)}`, "one of its own", "a part of another");
    return new Storage((type as PyName).name, this.#find(key, count, bytes));
  }

  made(name: string, args: readonly unknown[]): unknown {
    if (DICTS.includes(name)) return new Map();
    if (!REBUILD.includes(name)) return new PyObject(name);
    if (name.includes("_rebuild_parameter")) return this.#tensor(name, args[0]);
    if (name.endsWith("_rebuild_from_type_v2")) {
      const [rebuild, , inner] = args;
      if (!(rebuild instanceof PyName) || rebuild.name === name || !(inner instanceof PyTuple)) {
        throw this.fail(name, "a function that is known", kindOf(rebuild));
      }
      return this.#tensor(name, this.made(rebuild.name, inner.items));
    }
    const [storage, offset, shape, strides, , , type] = args;
    if (!(storage instanceof Storage)) throw this.fail(name, "a storage", kindOf(storage));
    const v3 = name.endsWith("_v3");
    const own = v3 ? (type instanceof PyName ? type.name : "") : storage.type;
    if (typeOf(own) === undefined) throw this.fail(name, "an element type", v3 ? kindOf(type) : storage.type);
    const [extents, steps] = [countsOf(shape), countsOf(strides)];
    if (!isCount(offset) || extents === null || steps === null || extents.length !== steps.length) {
      throw this.fail(name, "an offset, extents and strides", [offset, shape, strides].map(kindOf).join(", "));
    }
    if (extents.length > MOST_AXES) throw this.fail(name, `at most ${MOST_AXES} axes`, `${extents.length}`);
    return new StoredTensor(storage, own, offset, extents, steps);
  }

  #tensor(name: string, value: unknown): StoredTensor {
    if (value instanceof StoredTensor) return value;
    throw this.fail(name, "a tensor", kindOf(value));
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Extents or strides; null for what are none. */
function countsOf(value: unknown): number[] | null {
  const items = value instanceof PyTuple ? value.items : Array.isArray(value) ? value : null;
  return items?.every(isCount) ? [...items] : null;
}

/** What a value is, in words. */
function kindOf(value: unknown): string {
  if (value === null) return "None";
  if (value === undefined) return "nothing";
  if (value instanceof PyName || value instanceof PyObject) return value.name;
  if (value instanceof StoredTensor) return "a tensor";
  if (value instanceof Storage) return "a storage";
  if (isMap(value)) return "a dict";
  if (value instanceof PyTuple) return "a tuple";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" || typeof value === "bigint" ? "a number" : `a ${typeof value}`;
}

function holdsTensors(value: unknown): value is Map<unknown, unknown> {
  if (!isMap(value)) return false;
  for (const [key, each] of value) if (typeof key === "string" && each instanceof StoredTensor) return true;
  return false;
}

/** The state dict of a checkpoint, itself or one level below. */
function stateOf(
  root: unknown,
  wanted: string | undefined,
  fail: ZipFail,
): {
  key: string | null;
  state: Map<unknown, unknown>;
} {
  const inside: [string, unknown][] = isMap(root)
    ? [...(root as Map<string, unknown>)].filter(([key]) => typeof key === "string")
    : [];
  const held = cut(inside.map(([key, value]) => `${key} (${kindOf(value)})`).join(", ") || kindOf(root), 300);
  const none = (): FormatError => fail("no state dict", "tensors by name", held, HINT);
  if (!isMap(root)) throw none();
  // Each dict is looked at once, under however many keys it stands.
  const holding = new Set([...new Set(inside.map(([, value]) => value))].filter(holdsTensors));
  const dicts = inside.filter(([, value]) => holding.has(value as Map<unknown, unknown>));
  const names = dicts.map(([key]) => key);
  if (wanted !== undefined) {
    const state = root.get(wanted);
    if (holdsTensors(state)) return { key: wanted, state };
    throw fail("state dict", names.join(" or ") || "tensors by name", `${cut(wanted, 60)} of ${held}`);
  }
  const usual = USUAL_KEYS.find((key) => names.includes(key));
  if (usual === undefined && dicts.length > 1) {
    throw fail("several state dicts", "one", cut(names.join(", "), 200), "readPyTorch(bytes, file, { key }) chooses");
  }
  const key = usual ?? names[0];
  if (key !== undefined) return { key, state: root.get(key) as Map<unknown, unknown> };
  if (!holdsTensors(root)) throw none();
  return { key: null, state: root };
}
