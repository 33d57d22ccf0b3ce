/** @file A component that runs the model in the browser, on bytes that a server component hands to it. */
"use client";
import { sha256Hex } from "coarsegrad";
import { createSession } from "coarsegrad/infer";
import { useEffect, useState } from "react";
import { makeModel, pixels } from "./model.mjs";

export default function Classifier({ model }) {
  const [told, setTold] = useState("");
  useEffect(() => {
    using session = createSession(model);
    const outputs = [...session.run(pixels)];
    // The same training, in the browser.
    makeModel().then((own) => setTold(JSON.stringify({ outputs, sha256: sha256Hex(own) })));
  }, [model]);
  return <p id="client">{told}</p>;
}
