/** @file A rank that is a worker of a page: trains LeNet-5 with the ranks that it is told of. */
import { type SharedWorld, threadWorld } from "../../src/world/index.js";
import { lenet } from "./scenarios.js";

addEventListener("message", ({ data }: MessageEvent<{ shared: SharedWorld; rank: number }>) => {
  const world = threadWorld(data.shared, data.rank);
  lenet(world).then(
    (result) => postMessage(result),
    (error: unknown) => {
      world.abort(error);
      postMessage(String(error));
    },
  );
});
