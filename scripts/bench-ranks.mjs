/**
 * @file `npm run bench:ranks [sums|steps]`: the time of a sum over ranks of MPI, beside that of MPI_Allreduce: through
 * memory and, as root with iproute2, over links of 1 and 10 Gbit/s between hosts that are namespaces. Then steps of
 * training over these links, with the next batch made while gradients travel and after they came.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import path from "node:path";
import { canMakeHosts, Hosts } from "./hosts.mjs";
import { buildIsStale, root, runScript } from "./run.mjs";

/** Gradients of LeNet-5 at 272,474 and of ResNet-18 at 11.7 million parameters. */
const LENGTHS = [272_474, 11_700_000];
const MAKES = { "Open MPI": "libmpi.so.40", MPICH: "libmpich.so.12" };
/** Else every sum of this size gets its temporaries as fresh pages from the system. */
const MALLOC = {
  MALLOC_MMAP_THRESHOLD_: "1073741824",
  MALLOC_TRIM_THRESHOLD_: "1073741824",
  MALLOC_TOP_PAD_: "268435456",
};
const ENV = {
  ...process.env,
  ...MALLOC,
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_btl_vader_single_copy_mechanism: process.env.OMPI_MCA_btl_vader_single_copy_mechanism ?? "none",
};

const what = process.argv.slice(2);
if (what.length > 1 || !["sums", "steps", undefined].includes(what[0])) {
  console.error(`bench:ranks: expected sums, steps or nothing, got ${what.join(" ")}`);
  process.exit(2);
}
const wants = (part) => (what[0] ?? part) === part;

const isThere = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

/** What rank 0 of a program in bench/ranks prints. */
function measured(command, program, args) {
  const [file, ...options] = [...command, process.execPath, path.join(root, "bench", "ranks", program), ...args];
  const stdio = ["ignore", "pipe", "inherit"];
  const lines = execFileSync(file, options, { cwd: root, env: ENV, encoding: "utf8", stdio }).split("\n");
  return JSON.parse(lines.find((text) => /^[[{]/.test(text)));
}

const milliseconds = (value) => value.toPrecision(3);
const tableRow = (cells) => console.log(`| ${cells.join(" | ")} |`);

function sumsRow(place, make, ranks, command) {
  // MPICH's ranks spin while they wait: with fewer processors a sum takes minutes.
  if (make === "MPICH" && ranks > availableParallelism()) return;
  const sums = measured(command, "sum.mjs", [MAKES[make], "15", ...LENGTHS.map(String)]);
  tableRow([place, make, ranks, ...sums.map(({ ours, theirs }) => `${milliseconds(ours)} / ${milliseconds(theirs)}`)]);
}

/** Runs with hosts that are joined by links, and removes them. */
function withHosts(ranks, gigabits, use) {
  const hosts = new Hosts(ranks, gigabits);
  try {
    // Not MPICH: that of Debian 12 hangs now and then in MPI_Finalize, over TCP.
    use(hosts.mpirun("Open MPI", ranks));
  } finally {
    hosts.remove();
  }
}

function sums(makes, networks) {
  console.log("Median ms of a sum until the slowest rank has it, ours / MPI_Allreduce\n");
  tableRow(["carrier", "library", "ranks", ...LENGTHS.map((length) => `${((4 * length) / 1e6).toPrecision(3)} MB`)]);
  tableRow(["---", "---", "---:", ...LENGTHS.map(() => "---:")]);
  for (const make of makes) {
    for (const ranks of [2, 4]) {
      const open = ["mpirun.openmpi", "--quiet", "--oversubscribe", "-np", String(ranks)];
      sumsRow("memory", make, ranks, make === "MPICH" ? ["mpirun.mpich", "-np", String(ranks)] : open);
    }
  }
  for (const gigabits of networks) {
    for (const ranks of [2, 4]) {
      withHosts(ranks, gigabits, (command) => sumsRow(`${gigabits} Gbit/s`, "Open MPI", ranks, command));
    }
  }
}

/** Networks with pictures, images of both ranks together, steps and rounds of each way. */
const STEPS = [
  ["ResNet-18", "pixels", 32, 8, 3],
  ["ResNet-18", "JPEG", 32, 8, 3],
  ["VGG-11", "pixels", 128, 8, 3],
  ["ResNet-20", "pixels", 128, 12, 3],
];

function stepRows(place, command) {
  for (const [name, pictures, ...numbers] of STEPS) {
    const { backward, batch, nothing, made } = measured(command, "step.mjs", [name, pictures, ...numbers.map(String)]);
    const times = [backward, batch, nothing].map((time) => `${milliseconds(time[0])} (${milliseconds(time[1])})`);
    tableRow([place, `${name}, ${pictures}`, ...times, milliseconds(made)]);
  }
}

function steps(makes, networks) {
  console.log(
    "\nMedian ms of a step of two ranks (of rank 0's processor in it), while gradients travel the rank does\n",
  );
  tableRow(["carrier", "network", "its backward pass", "the next batch", "nothing", "making a rank's part of a batch"]);
  tableRow(["---", "---", "---:", "---:", "---:", "---:"]);
  for (const gigabits of networks) withHosts(2, gigabits, (command) => stepRows(`${gigabits} Gbit/s`, command));
  for (const make of makes) {
    const command = make === "MPICH" ? ["mpirun.mpich"] : ["mpirun.openmpi", "--quiet"];
    stepRows(`memory, ${make}`, [...command, "-np", "2"]);
  }
}

if (buildIsStale() && (await runScript("build.mjs")) !== 0) process.exit(1);
const makes = Object.keys(MAKES).filter((make) => isThere(make === "MPICH" ? "mpirun.mpich" : "mpirun.openmpi"));
const networks = canMakeHosts() && makes.includes("Open MPI") ? [10, 1] : [];
if (wants("sums")) sums(makes, networks);
if (networks.length === 0) console.log("\nNo namespaces here: run as root, with iproute2 and Open MPI, for networks.");
if (wants("steps")) steps(makes, networks);
