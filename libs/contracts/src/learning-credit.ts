/** What something unknown takes from the credit, of which something known brings 1. */
const MISS_COST = 16;
const CREDIT_START = 32 * MISS_COST;
const CREDIT_MAX = 64 * MISS_COST;
/** How often nothing is learnt once the credit is used up. */
const REST = 4_096;

/** Says whether it is worth while to learn from what is unknown: not where hardly anything comes again. */
export class LearningCredit {
  #credit = CREDIT_START;

  /** True while nothing is learnt, so that it is not worth while to look whether something is known either. */
  get isResting(): boolean {
    return this.#credit < 0;
  }

  /** Notes that something was known. */
  hit(): void {
    if (this.#credit < CREDIT_MAX) this.#credit++;
  }

  /** Notes that something was not; true when it shall be learnt. */
  miss(): boolean {
    if (this.#credit < 0) {
      this.#credit++;
      return false;
    }
    this.#credit -= MISS_COST;
    if (this.#credit < 0) this.#credit = -REST;
    return true;
  }
}
