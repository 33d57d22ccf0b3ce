/** @file The memory room: heap, allocator, storage, scopes. */
export { ALIGNMENT, Allocator, blockBytes, OVER_READ } from "./allocator.js";
export { Heap } from "./heap.js";
export { type MemoryObserver, observers } from "./observer.js";
export { currentScope, type Holder, OWNED, type Owner, Scope, scope, scopeDepth, track, untrack } from "./scope.js";
export { Storage } from "./storage.js";
