/** @file The node room: files, data sets on disk, and run folders. The only library entry that needs Node. */
export { cacheDir, type DataPlaces, dataRoots, findDataDir, type LoadOptions, loadDataset } from "./data-files.js";
export { type DownloadOptions, type DownloadProgress, downloadDataset } from "./download.js";
export { MAX_FILE_BYTES, type ReadFileOptions, readFileBytes, saveFileAtomic } from "./files.js";
export { RUN_FILES, RunFolder, type RunFolderOptions } from "./run/folder.js";
