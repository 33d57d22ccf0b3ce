/** @file A page that is made once, by the build. */
import { sha256Hex } from "coarsegrad";
import { makeModel } from "../model.mjs";

export const dynamic = "force-static";

export default async function Page() {
  return <p id="built">{JSON.stringify({ sha256: sha256Hex(await makeModel()) })}</p>;
}
