/** @file Classifies what is posted; the session is made by the first request and serves all. */
import { memory } from "coarsegrad";
import { createSession } from "coarsegrad/infer";
import { makeModel } from "../../model.mjs";

let session;

export async function POST(request) {
  session ??= makeModel().then((model) => createSession(model));
  const outputs = (await session).run(new Uint8Array(await request.arrayBuffer()));
  const { arrays, bytes } = memory();
  return Response.json({ outputs: [...outputs], arrays, bytes });
}
