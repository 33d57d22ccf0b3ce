/** @file What is known of the images that a command names: a data set of the library, or `imagefolder:DIR`. */
import path from "node:path";
import { datasetInfo } from "../data/registry.js";
import { openImageFolder } from "./loading/folder.js";
import { IMAGENET, type ImagesInfo } from "./normalization.js";
import type { RunConfig } from "./run-config.js";

const FOLDER = "imagefolder:";

/** Side of the images of a folder unless it is chosen. */
export const FOLDER_SIZE = 224;

/** The directory of `imagefolder:DIR`, or undefined for the name of a data set. */
export function folderOf(data: string): string | undefined {
  return data.startsWith(FOLDER) && data.length > FOLDER.length ? data.slice(FOLDER.length) : undefined;
}

/** Three channels or one; nothing is read for it. */
export function isColour(data: string): boolean {
  return folderOf(data) !== undefined || datasetInfo(data).shape[2] === 3;
}

/** How run folders and messages call it: `cifar10`, or `imagefolder-NAME`. */
export function dataLabel(data: string): string {
  const directory = folderOf(data);
  return directory === undefined ? data : `imagefolder-${path.basename(path.resolve(directory))}`;
}

/**
 * What is known of the images; a folder is listed for it.
 *
 * @param size side of a folder's images
 * @throws DataError if the folder holds no classes; ArgumentError on an unknown name
 */
export async function imagesInfo(data: string, size: number = FOLDER_SIZE): Promise<ImagesInfo> {
  const directory = folderOf(data);
  if (directory === undefined) return datasetInfo(data);
  const { classNames } = (await openImageFolder(directory)).train;
  return { shape: [size, size, 3], classes: classNames.length, classNames, ...IMAGENET };
}

/** What a run's configuration says of its images; folders are not looked at again. */
export function infoOf({ data, images }: Pick<RunConfig, "data" | "images">): ImagesInfo {
  return images === undefined ? datasetInfo(data) : { ...images, ...IMAGENET };
}
