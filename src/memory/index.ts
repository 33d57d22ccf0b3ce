/** @file The memory room: heap, allocator, storage, scopes. */
export { ALIGNMENT, Allocator, blockBytes, OVER_READ } from "./allocator.js";
export { Heap } from "./heap.js";
export { currentScope, type Holder, OWNED, type Owner, Scope, scope, scopeDepth, track, untrack } from "./scope.js";
export { type Derived, Storage } from "./storage.js";
