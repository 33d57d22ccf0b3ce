/** @file Printing, against texts that NumPy wrote (test/fixtures/make_print.py). */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { tensor } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import type { DType } from "../../src/core/dtype.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { formatArray } from "../../src/ndarray/print.js";

interface Case {
  dtype: DType;
  shape: number[];
  values: (number | string)[];
  text: string;
}

const fixture = JSON.parse(readFileSync(new URL("../fixtures/print.json", import.meta.url), "utf8")) as {
  numpy: string;
  cases: Case[];
};

test(`prints ${fixture.cases.length} arrays as NumPy ${fixture.numpy} does`, () => {
  expect(fixture.cases.length).toBeGreaterThan(100);
  for (const { dtype, shape, values, text } of fixture.cases) {
    using array = NDArray.from(values.map(Number), shape, dtype);
    expect(formatArray(array), `${dtype} [${shape}] ${values.slice(0, 12)}`).toBe(text);
  }
});

test("a tensor prints its real values", () => {
  scope(() => {
    expect(
      `${tensor([
        [1, 2],
        [3, 4.5],
      ])}`,
    ).toBe("[[1.  2. ]\n [3.  4.5]]");
    expect(`${new Tensor(NDArray.from([0, 1, 3], [3], "u8", 0.25))}`).toBe("[0.   0.25 0.75]");
  });
});
