/** @file A rank that is a process and trains: its argument names the scenario. Prints one line of JSON. */
import { sha256Hex } from "../../src/core/sha256.js";
import { joinWorld } from "../../src/node/world/join.js";
import { SCENARIOS } from "./scenarios.js";

const world = await joinWorld({ limitSeconds: 90 });
const result = await SCENARIOS[process.argv[2] as keyof typeof SCENARIOS](world);
await world.close();
// Short: launchers mix the lines of ranks that are longer than a pipe takes at once.
const digest = sha256Hex(new TextEncoder().encode(result));
console.log(JSON.stringify([world.rank, world.size, world.carrier, digest]));
