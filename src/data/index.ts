/** @file Data sets, augmentation and batches. */
export type { Example, ExampleValue } from "./collate.js";
export { type CsvExamples, type CsvOptions, readCsv } from "./csv/read.js";
export type { CsvColumn } from "./csv/table.js";
export { type CutoutOptions, cutout } from "./cutout.js";
export {
  checkLabels,
  type DatasetSplits,
  type ImageDataset,
  type ImageShape,
  imageDataset,
  imageSize,
  labelHistogram,
  subset,
} from "./dataset.js";
export { type DatasetLoaderOptions, datasetLoader, type MapDataset } from "./dataset-loader.js";
export { type DigitsOptions, digits } from "./digits.js";
export {
  type BatchFields,
  type BatchMaker,
  batchSource,
  ExampleLoader,
  type ExampleLoaderOptions,
  type ExampleSource,
} from "./example-loader.js";
export {
  type ExampleArray,
  type ExampleBatch,
  type ExampleData,
  type ExampleDataset,
  type ExampleFields,
  type ExampleValues,
  exampleDataset,
  exampleSubset,
  type NumberLists,
} from "./examples.js";
export {
  type Batch,
  type BatchLoader,
  type BatchPart,
  DataLoader,
  isBatchLoader,
  type LoaderOptions,
} from "./loader.js";
export {
  DATASET_NAMES,
  type DatasetInfo,
  type DatasetName,
  type DatasetSplitName,
  datasetInfo,
  type RemoteFile,
} from "./registry.js";
export { loudness, spectralMasks, spectralNoise, timeShift } from "./speech.js";
export { LoaderStreams } from "./streams.js";
export { horizontalFlip, type ImageTransform, mirrorImage, normalize, randomCrop, shiftImage } from "./transforms.js";
export { coloration, tempo, vocalTract } from "./voices.js";
