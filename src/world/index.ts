/** @file Ranks that train one network together: threads of one machine, or processes of many. */
export { agree } from "./agree.js";
export { type SharedWorld, type ShareOptions, shareWorld, threadWorld } from "./threads.js";
export { type ShardRange, shardsOf } from "./tree.js";
export { aloneWorld, broadcast, gatherJson, type SumInParts, type VectorPart, type World } from "./world.js";
