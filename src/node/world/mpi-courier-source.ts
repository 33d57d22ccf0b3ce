/**
 * @file What the courier of a rank runs, as text: a thread that carries parts of a sum to other ranks while the rank
 * computes. It never waits inside MPI, which would take the rank's core by asking again and again: it looks, and sleeps.
 */

/** Places in the shared memory between a rank and its courier. */
export const COURIER = {
  /** Parts that were given; −1: give up. */
  given: 0,
  /** 1 while the rank has nothing else to do. */
  waiting: 1,
  /** Counts changes of the others: what the courier sleeps on. */
  signal: 2,
} as const;

/** Milliseconds between two looks while the rank computes; the system's buffers hold what comes meanwhile. */
const NAP_MS = 1;
/** Looks in a row. */
const LOOKS = 3;
/** While the rank waits, the courier looks without sleeping for so long after something came, … */
const SPIN_MS = 0.5;
/** … then it sleeps as shortly as a system can. */
const SHORT_NAP_MS = 0.05;

export const courierSource = `
"use strict";
const { workerData, parentPort } = require("node:worker_threads");
const { memory, koffi, file, handles, handle, open, rank, size } = workerData;
const COURIER = ${JSON.stringify(COURIER)};
const state = new Int32Array(memory);
const library = require(koffi).load(file, { lazy: true, global: true });
const move = ["void *", "int", handle, "int", "int", handle, "void *"].join(", ");
const send = library.func("int MPI_Isend(" + move + ")");
const receive = library.func("int MPI_Irecv(" + move + ")");
const test = library.func("int MPI_Testsome(int, void *, _Out_ int *, void *, intptr_t)");
const errorText = library.func("int MPI_Error_string(int, void *, _Out_ int *)");
/** MPI_STATUSES_IGNORE. */
const IGNORE = open ? 0 : 1;
const Requests = open ? BigInt64Array : Int32Array;

function settle(name, code) {
  if (code === 0) return;
  const text = new Uint8Array(8192);
  const length = [0];
  errorText(code, text, length);
  throw new Error("internal: " + name + " failed: " + new TextDecoder().decode(text.subarray(0, length[0])).split("\\n")[0]);
}

/** What is under way: handles side by side, and the group of each. */
let requests = new Requests(new SharedArrayBuffer(64 * Requests.BYTES_PER_ELEMENT));
let ended = new Int32Array(new SharedArrayBuffer(64 * 4));
const owners = [];

/** Messages of one part and one direction; "then" runs when all of them have come. */
class Group {
  constructor(tag, then) {
    this.left = 0;
    this.tag = tag;
    this.then = then;
  }
  start(call, name, values, other) {
    if (values.length === 0) return;
    if (owners.length === requests.length) {
      const more = new Requests(new SharedArrayBuffer(2 * requests.byteLength));
      more.set(requests);
      requests = more;
      ended = new Int32Array(new SharedArrayBuffer(2 * ended.byteLength));
    }
    const place = requests.subarray(owners.length);
    settle(name, call(values, values.length, handles.float, other, this.tag, handles.world, place));
    owners.push(this);
    this.left++;
  }
  send(values, other) {
    this.start(send, "MPI_Isend", values, other);
  }
  receive(values, other) {
    this.start(receive, "MPI_Irecv", values, other);
  }
  /** One message has come or gone. */
  done() {
    if (--this.left === 0) this.then();
  }
}

/** Lets MPI go on. Returns whether a message has come or gone. */
function look() {
  const count = [0];
  settle("MPI_Testsome", test(owners.length, requests, count, ended, IGNORE));
  // From the last on: what stands last then takes the place of what has ended.
  const places = ended.slice(0, count[0]).sort().reverse();
  const groups = Array.from(places, (place) => {
    const group = owners[place];
    const last = owners.pop();
    if (place < owners.length) {
      owners[place] = last;
      requests[place] = requests[owners.length];
    }
    return group;
  });
  for (const group of groups) group.done();
  return groups.length > 0;
}

const others = Array.from({ length: size - 1 }, (_, i) => (rank + 1 + i) % size);

/** Sends a part's chunks to those who add them up; then adds up its own, and sends that to all. */
function begin(sum, k, done) {
  const { pieces, result, counts: blocks, additions } = sum;
  const { from, counts, starts, vectors } = sum.parts[k];
  const chunk = (values, other) => values.subarray(from + starts[other], from + starts[other] + counts[other]);
  const first = (other) => blocks.slice(0, other).reduce((a, b) => a + b, 0);
  const own = chunk(result, rank);
  const all = new Group(2 * k + 1, done);
  const group = new Group(2 * k, () => {
    for (const [into, other] of additions) add(vectors[into], vectors[other]);
    own.set(vectors[0]);
    all.left++;
    for (const other of others) all.receive(chunk(result, other), other);
    for (const other of others) all.send(own, other);
    all.done();
  });
  // One more, until all of them are started.
  group.left++;
  for (const other of others)
    for (let i = 0; i < blocks[other]; i++) group.receive(vectors[first(other) + i], other);
  for (const other of others) for (const piece of pieces) group.send(chunk(piece, other), other);
  pieces.forEach((piece, i) => vectors[first(rank) + i].set(chunk(piece, rank)));
  group.done();
}

function add(a, b) {
  for (let i = 0; i < a.length; i++) a[i] += b[i];
}

function carry(sum) {
  let begun = 0;
  let left = sum.parts.length;
  let moved = performance.now();
  const done = () => left--;
  while (left > 0) {
    const signal = Atomics.load(state, COURIER.signal);
    const given = Atomics.load(state, COURIER.given);
    if (given < 0) return;
    while (begun < given) begin(sum, begun++, done);
    let came = false;
    // One look reads what one message's buffer holds: the next may be there too.
    for (let i = 0; i < ${LOOKS} && owners.length > 0 && !came; i++) came = look();
    if (came) moved = performance.now();
    else if (Atomics.load(state, COURIER.waiting) === 0) Atomics.wait(state, COURIER.signal, signal, ${NAP_MS});
    else if (performance.now() - moved > ${SPIN_MS}) Atomics.wait(state, COURIER.signal, signal, ${SHORT_NAP_MS});
  }
}

const sums = new Map();
parentPort.on("message", ({ make, drop, run }) => {
  if (make !== undefined) sums.set(make.id, make);
  if (drop !== undefined) sums.delete(drop);
  if (run === undefined) return;
  let error = null;
  try {
    carry(sums.get(run));
  } catch (failure) {
    error = failure.message;
  }
  parentPort.postMessage(error);
});
`;
