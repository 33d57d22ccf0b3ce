/** @file The node room: files, data sets on disk, run folders, and ranks. The only library entry that needs Node. */
export type { World } from "../world/world.js";
export type { FolderPart } from "./class-folder.js";
export { readCsvFile } from "./csv-file.js";
export { type DataPlaces, dataFolder, dataRoots, findDataDir, type LoadOptions, loadDataset } from "./data-files.js";
export { type DownloadOptions, type DownloadProgress, downloadDataset } from "./download.js";
export { MAX_FILE_BYTES, type ReadFileOptions, readFileBytes, saveFileAtomic } from "./files.js";
export { type ImageFolder, openImageFolder } from "./images/folder.js";
export { imagesInfo } from "./images/info.js";
export type { ImageLimits } from "./images/limits.js";
export { decodeImage, IMAGE_ENDINGS, type Raster } from "./images/picture.js";
export { type DatasetWorkerOptions, openDatasetWorkers, type WorkerDataset } from "./loading/dataset-workers.js";
export { type LoaderOptions, type OpenedLoaders, openLoaders } from "./loading/run-loaders.js";
export { openModel } from "./models.js";
export { RUN_FILES, RunFolder, type RunFolderOptions } from "./run/folder.js";
export { type LoadNetworkOptions, loadNetwork, saveNetwork } from "./weights.js";
export { type JoinOptions, joinWorld } from "./world/join.js";
export { type LaunchOptions, launchRanks } from "./world/launch.js";
export { type MpiOptions, mpiWorld } from "./world/mpi.js";
