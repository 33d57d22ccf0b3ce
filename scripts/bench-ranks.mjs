/**
 * @file `npm run bench:ranks`: the time of a sum over ranks of MPI, beside that of MPI_Allreduce: through memory and, as
 * root with iproute2, over links of 1 and 10 Gbit/s between hosts that are namespaces.
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

const isThere = (command) => spawnSync("sh", ["-c", `command -v ${command}`]).status === 0;

function row(place, make, ranks, command) {
  // MPICH's ranks spin while they wait: with fewer processors a sum takes minutes.
  if (make === "MPICH" && ranks > availableParallelism()) return;
  const program = [
    process.execPath,
    path.join(root, "bench", "ranks", "sum.mjs"),
    MAKES[make],
    "15",
    ...LENGTHS.map(String),
  ];
  const [file, ...args] = [...command, ...program];
  const line = execFileSync(file, args, {
    cwd: root,
    env: ENV,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const cells = JSON.parse(line.split("\n").find((text) => text.startsWith("["))).map(
    ({ ours, theirs }) => `${ours.toPrecision(3)} / ${theirs.toPrecision(3)}`,
  );
  console.log(`| ${[place, make, ranks, ...cells].join(" | ")} |`);
}

if (buildIsStale() && (await runScript("build.mjs")) !== 0) process.exit(1);
const makes = Object.keys(MAKES).filter((make) => isThere(make === "MPICH" ? "mpirun.mpich" : "mpirun.openmpi"));
console.log("Median ms of a sum until the slowest rank has it, ours / MPI_Allreduce\n");
console.log(
  `| carrier | library | ranks | ${LENGTHS.map((length) => `${((4 * length) / 1e6).toPrecision(3)} MB`).join(" | ")} |`,
);
console.log(`| --- | --- | ---: | ${LENGTHS.map(() => "---:").join(" | ")} |`);
for (const make of makes) {
  for (const ranks of [2, 4]) {
    const open = ["mpirun.openmpi", "--quiet", "--oversubscribe", "-np", String(ranks)];
    row("memory", make, ranks, make === "MPICH" ? ["mpirun.mpich", "-np", String(ranks)] : open);
  }
}
if (!canMakeHosts()) console.log("\nNo namespaces here: run as root, with iproute2, for the times over a network.");
else {
  for (const gigabits of [10, 1]) {
    for (const ranks of [2, 4]) {
      const hosts = new Hosts(ranks, gigabits);
      try {
        // Not MPICH: that of Debian 12 hangs now and then in MPI_Finalize, over TCP.
        if (makes.includes("Open MPI")) row(`${gigabits} Gbit/s`, "Open MPI", ranks, hosts.mpirun("Open MPI", ranks));
      } finally {
        hosts.remove();
      }
    }
  }
}
