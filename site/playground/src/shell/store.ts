/** @file What outlives the page: an IndexedDB of runs, their files, and images. Pages and workers share it. */

/** Kinds of entries. */
export type Shelf = "runs" | "files" | "images";

const SHELVES: readonly Shelf[] = ["runs", "files", "images"];
let opened: Promise<IDBDatabase> | undefined;

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("coarsegrad-playground", 1);
    request.onupgradeneeded = () => {
      for (const shelf of SHELVES) request.result.createObjectStore(shelf);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** One entry, or undefined. */
export async function read<T>(shelf: Shelf, key: string): Promise<T | undefined> {
  return answer((await database()).transaction(shelf).objectStore(shelf).get(key));
}

/** All entries of a shelf. */
export async function readAll<T>(shelf: Shelf): Promise<T[]> {
  return answer((await database()).transaction(shelf).objectStore(shelf).getAll());
}

/** Writes entries of several shelves, all or none. */
export async function write(entries: readonly (readonly [shelf: Shelf, key: string, value: unknown])[]): Promise<void> {
  const transaction = (await database()).transaction(SHELVES, "readwrite");
  for (const [shelf, key, value] of entries) transaction.objectStore(shelf).put(value, key);
  await finished(transaction);
}

/** Deletes a run with its files. */
export async function forget(id: string): Promise<void> {
  const transaction = (await database()).transaction(SHELVES, "readwrite");
  transaction.objectStore("runs").delete(id);
  transaction.objectStore("files").delete(IDBKeyRange.bound(`${id}/`, `${id}/\uffff`));
  await finished(transaction);
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
