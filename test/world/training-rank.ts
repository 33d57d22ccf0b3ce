/** @file A rank that is a process and trains: its argument names the scenario. Prints one line of JSON. */
import { joinWorld } from "../../src/node/world/join.js";
import { SCENARIOS } from "./scenarios.js";

const world = await joinWorld({ limitSeconds: 90 });
const result = await SCENARIOS[process.argv[2] as keyof typeof SCENARIOS](world);
await world.close();
console.log(JSON.stringify([world.rank, world.size, world.carrier, result]));
