/** @file The data sets that the library knows by name: shapes, classes, files, checksums and public mirrors. */
import { describe } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { FrontEnd } from "../sound/front-end.js";
import { SPEECH_8K } from "../sound/front-ends.js";
import type { ImageShape } from "./dataset.js";
import { TINY_IMAGENET_NAMES } from "./tiny-imagenet.js";

/** Names of the built-in and the supported public data sets. */
export type DatasetName = "digits" | "mnist" | "fashion-mnist" | "cifar10" | "tiny-imagenet" | "fsdd";

/** A data set, or one of its other splits: `fsdd:s0` … `fsdd:s5` test on one speaker and train on the others. */
export type DatasetSplitName = DatasetName | `fsdd:s${number}`;

/** A file of a public distribution. */
export interface RemoteFile {
  /** Name of the file, or of the data set as commands take it. */
  readonly name: string;
  /** Size. */
  readonly bytes: number;
  /** SHA-256 of the file as distributed. */
  readonly sha256: string;
}

/** What is known of a data set before a byte of it is read. */
export interface DatasetInfo {
  /** Name of the file, or of the data set as commands take it. */
  readonly name: DatasetSplitName;
  /** Name for people. */
  readonly title: string;
  /** Height, width and channels of one image. */
  readonly shape: ImageShape;
  /** Number of classes. */
  readonly classes: number;
  /** Names of the classes, by label. */
  readonly classNames: readonly string[];
  /** Images in the two parts. */
  readonly train: number;
  /** Number of test images. */
  readonly test: number;
  /** Customary normalization of x/255, one number per channel. */
  readonly mean: readonly number[];
  /** Deviation of each channel over the training images. */
  readonly std: readonly number[];
  /** How the files are laid out; `generated` has none. */
  readonly format: "generated" | "idx" | "cifar" | "tiny-imagenet" | "fsdd";
  /** Of pictures that are decoded once into a file: the SHA-256 of that file's pixels and labels. */
  readonly pixelsSha256?: string;
  /** Of a data set of sound: how its pictures, [frames, bands, 1], are made. */
  readonly sound?: FrontEnd;
  /** Names of its other splits. */
  readonly splits?: readonly DatasetSplitName[];
  /** Where it comes from, if there is no file of it to download. */
  readonly origin?: string;
  /** Folders in which the files may lie below a data directory; the first is where downloads go. */
  readonly folders: readonly string[];
  /** Files to download. */
  readonly files: readonly RemoteFile[];
  /** URLs that end in "/", to which a file's name is appended; tried in order. */
  readonly mirrors: readonly string[];
  /** Under which terms it may be used. */
  readonly licence: string;
}

const DIGIT_NAMES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const DATASETS: Readonly<Record<DatasetName, DatasetInfo>> = {
  digits: {
    name: "digits",
    title: "generated digits",
    shape: [28, 28, 1],
    classes: 10,
    classNames: DIGIT_NAMES,
    train: 6000,
    test: 1000,
    mean: [0.1129],
    std: [0.2324],
    format: "generated",
    folders: [],
    files: [],
    mirrors: [],
    licence: "part of this library",
  },
  mnist: {
    name: "mnist",
    title: "MNIST",
    shape: [28, 28, 1],
    classes: 10,
    classNames: DIGIT_NAMES,
    train: 60000,
    test: 10000,
    mean: [0.1307],
    std: [0.3081],
    format: "idx",
    folders: ["mnist", "MNIST/raw"],
    files: [
      {
        name: "train-images-idx3-ubyte.gz",
        bytes: 9912422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
      },
      {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 28881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
      },
      {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 1648877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
      },
      {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 4542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
      },
    ],
    mirrors: ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
    licence: "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
  },
  "fashion-mnist": {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    shape: [28, 28, 1],
    classes: 10,
    classNames: [
      "T-shirt/top",
      "Trouser",
      "Pullover",
      "Dress",
      "Coat",
      "Sandal",
      "Shirt",
      "Sneaker",
      "Bag",
      "Ankle boot",
    ],
    train: 60000,
    test: 10000,
    mean: [0.286],
    std: [0.353],
    format: "idx",
    folders: ["fashion-mnist", "FashionMNIST/raw"],
    files: [
      {
        name: "train-images-idx3-ubyte.gz",
        bytes: 26421880,
        sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
      },
      {
        name: "train-labels-idx1-ubyte.gz",
        bytes: 29515,
        sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
      },
      {
        name: "t10k-images-idx3-ubyte.gz",
        bytes: 4422102,
        sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
      },
      {
        name: "t10k-labels-idx1-ubyte.gz",
        bytes: 5148,
        sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
      },
    ],
    mirrors: [
      "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
      "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    licence: "MIT, Zalando SE",
  },
  cifar10: {
    name: "cifar10",
    title: "CIFAR-10",
    shape: [32, 32, 3],
    classes: 10,
    classNames: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    train: 50000,
    test: 10000,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
    format: "cifar",
    folders: ["cifar-10", "cifar-10-batches-bin", "cifar10"],
    files: [
      {
        name: "cifar-10-binary.tar.gz",
        bytes: 170052171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
      },
    ],
    mirrors: ["https://www.cs.toronto.edu/~kriz/"],
    licence: "none stated; cite A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
  },
  "tiny-imagenet": {
    name: "tiny-imagenet",
    title: "Tiny-ImageNet",
    shape: [64, 64, 3],
    classes: 200,
    classNames: TINY_IMAGENET_NAMES,
    train: 100000,
    test: 10000,
    mean: [0.4802, 0.4481, 0.3975],
    std: [0.2764, 0.2689, 0.2816],
    format: "tiny-imagenet",
    pixelsSha256: "4adfd71d1ff15b6b7a1085a1f64223e903633142a53d8d5fef25dc5f74b11a68",
    folders: ["tiny-imagenet-200", "tiny-imagenet"],
    files: [
      {
        name: "tiny-imagenet-200.zip",
        bytes: 248100043,
        sha256: "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
      },
    ],
    mirrors: ["http://cs231n.stanford.edu/", "https://cs231n.stanford.edu/"],
    licence: "ImageNet's: for research and teaching, not for commerce; made by Stanford's course CS231N",
  },
  fsdd: {
    name: "fsdd",
    title: "Free Spoken Digit Dataset",
    shape: [SPEECH_8K.frames, SPEECH_8K.bands, 1],
    classes: 10,
    classNames: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    train: 2700,
    test: 300,
    mean: [0.1934],
    std: [0.2544],
    format: "fsdd",
    sound: SPEECH_8K,
    splits: ["fsdd:s0", "fsdd:s1", "fsdd:s2", "fsdd:s3", "fsdd:s4", "fsdd:s5"],
    folders: ["fsdd", "free-spoken-digit-dataset"],
    files: [],
    mirrors: [],
    origin: "https://github.com/Jakobovski/free-spoken-digit-dataset",
    licence: "CC BY-SA 4.0, Zohar Jackson and others",
  },
};

/** Recordings of one speaker of `fsdd`, and of all others. */
const ONE_SPEAKER = { train: 2500, test: 500 } as const;

/** Names of all known data sets. */
export const DATASET_NAMES = Object.keys(DATASETS) as readonly DatasetName[];

/** Whether this is the name of a data set, or of another split of one. */
export function isDatasetName(name: string): boolean {
  if (Object.hasOwn(DATASETS, name)) return true;
  const [base] = name.split(":");
  return (
    Object.hasOwn(DATASETS, base) &&
    (DATASETS[base as DatasetName].splits as readonly string[] | undefined)?.includes(name) === true
  );
}

/**
 * What is known of a data set.
 * @param name one of {@link DATASET_NAMES}, or of their `splits`
 * @returns its description
 * @throws ArgumentError on an unknown name
 */
export function datasetInfo(name: string): DatasetInfo {
  if (typeof name !== "string" || !isDatasetName(name)) {
    const got = describe(name).replace(/^"|"$/g, "");
    throw new ArgumentError({ op: "data set", what: "unknown name", expected: DATASET_NAMES.join(", "), got });
  }
  const [base] = name.split(":");
  const info = DATASETS[base as DatasetName];
  return base === name ? info : { ...info, name: name as DatasetSplitName, ...ONE_SPEAKER };
}
