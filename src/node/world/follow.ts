/** @file A rank of a run that is a process of its own: it computes what rank 0 tells it, and writes nothing. */
import { init } from "../../kernels/index.js";
import { createRun } from "../../run/create.js";
import { broadcast, type World } from "../../world/world.js";
import { type LoaderOptions, openLoaders } from "../loading/run-loaders.js";
import { readRunMessage } from "./run-message.js";

/**
 * Takes part in the run that rank 0 leads, to its end.
 *
 * @param options where this machine has the images
 * @param signal stops all ranks after their step
 * @throws what data, network and training throw; the other ranks are told
 */
export async function followRun(world: World, options: LoaderOptions, signal?: AbortSignal): Promise<void> {
  try {
    const { config, ...files } = readRunMessage(await broadcast(world, null));
    if (config.relaxed) await init({ relaxed: true });
    const loaders = await openLoaders(config, options);
    try {
      await createRun(config, { ...files, data: loaders, world, signal });
    } finally {
      await loaders.close();
    }
  } catch (error) {
    world.abort(error);
    throw error;
  }
  await world.close();
}
