/** @file How often something that costs time is done again beside work that must not wait for it. */

/** Says when it is time again: at least so many milliseconds apart, and never more than a share of all time. */
export class Pace {
  readonly #least: number;
  readonly #share: number;
  #last = performance.now();
  #began = 0;
  #cost = 0;

  /**
   * @param least milliseconds between two times
   * @param share of the time that it may take, above 0
   */
  constructor(least: number, share: number) {
    this.#least = least;
    this.#share = share;
  }

  get due(): boolean {
    return performance.now() - this.#last >= Math.max(this.#least, this.#cost / this.#share);
  }

  /** It begins. */
  begin(): void {
    this.#began = performance.now();
  }

  /** It is done: what it took decides when it is due again. */
  end(): void {
    this.#last = performance.now();
    this.#cost = this.#last - this.#began;
  }
}
