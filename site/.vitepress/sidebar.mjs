/** @file The guide's table of contents; a test finds pages that are missing in it. */

const page = (text, link) => ({ text, link });

/** Groups of pages in the order in which a newcomer reads them. */
export const guide = [
  {
    text: "Quick start",
    items: [
      page("Web developers", "/guide/quick-start-web"),
      page("Researchers", "/guide/quick-start-research"),
      page("Embedded developers", "/guide/quick-start-embedded"),
    ],
  },
  {
    text: "How to",
    items: [
      page("Train your own network", "/guide/own-network"),
      page("Use your own data", "/guide/own-data"),
      page("Hear words", "/guide/sound"),
      page("Write your own proxy", "/guide/own-proxy"),
      page("Bring an ONNX network", "/guide/onnx-network"),
      page("Mix bit widths", "/guide/mixed-bits"),
      page("Deploy: page, worker, edge", "/guide/deploy"),
      page("Run on a microcontroller", "/guide/microcontroller"),
      page("Scale out", "/guide/scale-out"),
    ],
  },
  {
    text: "Concepts",
    items: [
      page("Quantization", "/guide/concepts/quantization"),
      page("Staircases and α", "/guide/concepts/staircases"),
      page("Coarse gradients", "/guide/concepts/coarse-gradient"),
      page("Blending", "/guide/concepts/blending"),
      page("Packing and exactness", "/guide/concepts/packing"),
      page("Determinism", "/guide/concepts/determinism"),
    ],
  },
  {
    text: "Help",
    items: [
      page("Troubleshooting", "/guide/troubleshooting"),
      page("Compared with other tools", "/guide/comparison"),
      page("Examples", "/examples/"),
    ],
  },
  {
    text: "Documents",
    items: [
      page("Features", "/docs/features"),
      page("The packed file", "/docs/format"),
      page("ONNX files", "/docs/onnx"),
      page("Weights, pictures, folders", "/docs/weights"),
      page("Limits", "/docs/limits"),
      page("Runs", "/docs/runs"),
      page("Averages, augmentation, epochs", "/docs/averages"),
      page("Sweeps", "/docs/sweeps"),
      page("Threads", "/docs/threads"),
      page("Shards and ranks", "/docs/scale"),
      page("Recipes", "/docs/recipes"),
      page("Accuracy on CIFAR-10", "/docs/accuracy"),
      page("Workers", "/docs/workers"),
      page("Servers", "/docs/servers"),
      page("Microcontrollers", "/docs/microcontrollers"),
      page("Sound", "/docs/sound"),
      page("Relaxed SIMD", "/docs/relaxed"),
      page("Theory", "/docs/theory"),
      page("Reproduction of the paper", "/docs/reproduction"),
      page("Performance", "/docs/performance"),
      page("Contributing", "/docs/contributing"),
      page("How the tests are tested", "/docs/testing"),
      page("Changes", "/docs/changelog"),
    ],
  },
];
