/**
 * @file Several hosts on one machine, for ranks of MPI: network namespaces of Linux, joined by a switch, with links as
 * slow as one likes. Needs root and Debian's iproute2.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const NETWORK = "10.77.0";
/** By itself MPICH's transport sees that the hosts are one machine, and goes past the network. */
const MPICH_BY_TCP = { UCX_TLS: "tcp,self", UCX_NET_DEVICES: "eth0", MPIR_CVAR_NOLOCAL: "1" };
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const ip = (...args) => run("ip", ...args);

/** Whether this process may make namespaces, links between them, and shape these. */
export function canMakeHosts() {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    run("tc", "-V");
    new Hosts(1, 1).remove();
    return true;
  } catch {
    return false;
  }
}

/** Hosts 10.77.0.1, 10.77.0.2, …; they see each other and nothing else. */
export class Hosts {
  /** @type {string[]} */
  addresses = [];
  #name = `cg${process.pid}x${Math.floor(performance.now())}`;
  #folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-hosts-"));
  #agent = path.join(this.#folder, "agent.sh");
  /** @type {string[]} */
  #spaces = [];

  /**
   * @param {number} count
   * @param {number} [gigabits] per second that each host may send; without it as much as the machine can
   */
  constructor(count, gigabits) {
    try {
      const bridge = this.#space("net");
      ip("-n", bridge, "link", "add", "bridge", "type", "bridge");
      ip("-n", bridge, "link", "set", "bridge", "up");
      for (let host = 1; host <= count; host++) this.#host(bridge, host, gigabits);
    } catch (error) {
      this.remove();
      throw error;
    }
    // What a launcher calls instead of ssh: the address, then a command for the shell there.
    const enter = `exec ip netns exec ${this.#name}-$number unshare --uts sh -c 'hostname host'$number'; exec sh -c "$0"' "$*"`;
    writeFileSync(this.#agent, `#!/bin/sh\nnumber=\${1##*.}\nshift\n${enter}\n`);
    chmodSync(this.#agent, 0o755);
  }

  /**
   * The command that starts ranks on all hosts, from the first of them.
   *
   * @param {"Open MPI" | "MPICH"} make of MPI
   * @param {number} ranks
   * @param {readonly string[]} [options] of mpirun
   */
  mpirun(make, ranks, options = []) {
    const list = this.addresses.join(",");
    const network = `${NETWORK}.0/24`;
    const slots = Math.ceil(ranks / this.addresses.length);
    const mca = (name, value) => ["--mca", name, value];
    const command =
      make === "Open MPI"
        ? ["mpirun.openmpi", "--quiet", "--host", this.addresses.map((address) => `${address}:${slots}`).join(",")]
            // Else the ranks of two hosts are each bound to "the first core", which is one and the same.
            .concat("--bind-to", "none")
            .concat(mca("plm_rsh_agent", this.#agent), mca("btl_tcp_if_include", network))
            .concat(mca("oob_tcp_if_include", network), mca("btl", "tcp,self"))
        : ["mpirun.mpich", "-launcher", "rsh", "-launcher-exec", this.#agent, "-hosts", list, "-iface", "eth0"].concat(
            ...Object.entries(MPICH_BY_TCP).map(([name, value]) => ["-genv", name, value]),
          );
    const words = [...command, ...options, "-np", String(ranks)];
    return [
      "ip",
      "netns",
      "exec",
      `${this.#name}-1`,
      "unshare",
      "--uts",
      "sh",
      "-c",
      'hostname host1; exec "$0" "$@"',
    ].concat(words);
  }
  /**
   * Bytes that a host has sent.
   *
   * @param {number} host from 1
   */
  sent(host) {
    return Number(ip("netns", "exec", `${this.#name}-${host}`, "cat", "/sys/class/net/eth0/statistics/tx_bytes"));
  }
  /**
   * Pulls a host's cable out.
   *
   * @param {number} host from 1
   */
  unplug(host) {
    ip("-n", `${this.#name}-net`, "link", "set", `port${host}`, "down");
  }
  remove() {
    for (const space of this.#spaces.splice(0)) ip("netns", "delete", space);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #host(bridge, host, gigabits) {
    const space = this.#space(String(host));
    const address = `${NETWORK}.${host}`;
    ip("link", "add", "eth0", "netns", space, "type", "veth", "peer", "name", `port${host}`, "netns", bridge);
    ip("-n", bridge, "link", "set", `port${host}`, "master", "bridge", "up");
    ip("-n", space, "address", "add", `${address}/24`, "dev", "eth0");
    ip("-n", space, "link", "set", "eth0", "up");
    ip("-n", space, "link", "set", "lo", "up");
    if (gigabits !== undefined) {
      // A bucket for 4 ms: timers of the kernel may be as coarse as that.
      const burst = `${Math.ceil(gigabits * 500)}kb`;
      const rate = `${gigabits}gbit`;
      run(
        "tc",
        "-n",
        space,
        "qdisc",
        "add",
        "dev",
        "eth0",
        "root",
        "tbf",
        "rate",
        rate,
        "burst",
        burst,
        "latency",
        "50ms",
      );
    }
    this.addresses.push(address);
  }
  #space(name) {
    const space = `${this.#name}-${name}`;
    ip("netns", "add", space);
    this.#spaces.push(space);
    return space;
  }
}
