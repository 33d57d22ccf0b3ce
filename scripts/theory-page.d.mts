/** @file Types of theory-page.mjs, for the tests. */
interface Outcome {
  readonly seed: number;
  readonly claims: readonly { readonly claim: string; readonly evidence: string; readonly holds: boolean }[];
}
export function fillPage(text: string, outcomeOf: (topic: string) => Outcome): string;
export function committedOutcome(topic: string): Outcome;
