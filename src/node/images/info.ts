/**
 * @file What is known of the images that a run names: a data set of the library, or a folder, which is listed for it.
 */
import path from "node:path";
import { check, integer, text } from "../../core/checks.js";
import { datasetInfo } from "../../data/registry.js";
import {
  FOLDER_SIZE,
  FOLDER_SOUND,
  folderOf,
  IMAGENET,
  type ImagesInfo,
  soundFolderOf,
  soundImages,
} from "../../run/images.js";
import { openAudioFolder } from "../sound/folder.js";
import { openImageFolder } from "./folder.js";

/**
 * What is known of the images; a folder is listed for it.
 *
 * @param size side of a folder's images
 * @throws DataError if the folder holds no classes; ArgumentError on an unknown name
 */
export async function imagesInfo(data: string, size: number = FOLDER_SIZE): Promise<ImagesInfo> {
  check("imagesInfo", "data", data, text);
  check("imagesInfo", "size", size, integer(1));
  const sounds = soundFolderOf(data);
  if (sounds !== undefined) return soundImages(FOLDER_SOUND, (await openAudioFolder(sounds)).train.classNames);
  const directory = folderOf(data);
  if (directory === undefined) return datasetInfo(data);
  const { classNames } = (await openImageFolder(directory)).train;
  return { shape: [size, size, 3], classes: classNames.length, classNames, ...IMAGENET };
}

/** How run folders and messages call it: `cifar10`, `fsdd-s0`, `imagefolder-NAME` or `audiofolder-NAME`. */
export function dataLabel(data: string): string {
  const directory = folderOf(data) ?? soundFolderOf(data);
  if (directory === undefined) return data.replace(":", "-");
  return `${data.slice(0, data.indexOf(":"))}-${path.basename(path.resolve(directory))}`;
}
