/** @file A page that is made anew for every request: it trains, packs and runs a model on the server. */
import { memory, sha256Hex } from "coarsegrad";
import { createSession } from "coarsegrad/infer";
import Classifier from "./classifier.jsx";
import { makeModel, pixels } from "./model.mjs";

function classify(model) {
  using session = createSession(model);
  return [...session.run(pixels)];
}

export const dynamic = "force-dynamic";

export default async function Page() {
  const model = await makeModel();
  const outputs = classify(model);
  const told = { outputs, sha256: sha256Hex(model), arrays: memory().arrays };
  return (
    <main>
      <p id="server">{JSON.stringify(told)}</p>
      <Classifier model={model} />
    </main>
  );
}
