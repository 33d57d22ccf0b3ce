/** @file What a test may say about the arrays that it leaves behind; test/setup.ts checks after each test. */

/** Something that frees memory when told. */
export interface Disposable {
  dispose(): void;
}

const later: Disposable[] = [];
const declared = { survivors: 0, unchecked: false };

/** Frees `item` after the running test, before leaks are counted. @returns item */
export function disposeLater<T extends Disposable>(item: T): T {
  later.push(item);
  return item;
}

/** Declares that the running test leaves exactly `arrays` arrays more alive than it found. */
export function expectSurvivors(arrays: number): void {
  declared.survivors += arrays;
}

/** For a test file's top: its tests are not checked for leaks, because `reason`. */
export function ownMemory(reason: string): void {
  if (reason.trim() === "") throw new Error("ownMemory: give the reason");
  declared.unchecked = true;
}

let wait: number | undefined;

/** For tests of the watch itself: how long to wait for what is being closed, in the running test. */
export function hurry(milliseconds: number): void {
  wait = milliseconds;
}

/** For test/setup.ts: what {@link hurry} said, once. */
export function patience(): number | undefined {
  const own = wait;
  wait = undefined;
  return own;
}

/** For test/setup.ts: frees what waits, and hands over what the test declared, once. */
export function settle(): { survivors: number; unchecked: boolean } {
  // Newest first: what was made from something goes before it.
  for (const item of later.splice(0).reverse()) item.dispose();
  const { survivors, unchecked } = declared;
  declared.survivors = 0;
  return { survivors, unchecked };
}
