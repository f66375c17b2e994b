/** What a model learns from: the slots of its features, and the answer. */
export interface Example {
  readonly slots: Uint32Array;
  readonly isPositive: boolean;
}

/** Features are told apart by their hash, modulo this. */
const SLOT_COUNT = 2 ** 20;
const EPOCHS = 6;
const STEP = 0.3;
/** Pull towards zero at each step, so that what helps once is not believed. */
const DECAY = 1e-4;

/**
 * Logistic regression over hashed binary features, trained by AdaGrad (Duchi, Hazan and Singer, 2011). Examples are of length
 * one, whatever the number of their features. Equal examples in equal order give equal weights.
 */
export class LinearModel {
  readonly #weights = new Float64Array(SLOT_COUNT);
  readonly #squares = new Float64Array(SLOT_COUNT);
  #bias = 0;

  /** Learns from examples, several times over. */
  train(examples: readonly Example[]): void {
    for (let epoch = 0; epoch < EPOCHS; epoch++)
      for (const at of shuffled(examples.length, epoch)) {
        const { slots, isPositive } = examples[at] as Example;
        this.#learn(slots, isPositive ? 1 : 0);
      }
  }

  /** Log-odds that an example is positive. */
  score(slots: Uint32Array): number {
    let sum = 0;
    for (const slot of slots) sum += this.#weights[slot] as number;
    return this.#bias + sum / Math.sqrt(Math.max(1, slots.length));
  }

  /** What the features of a slot add to the log-odds. */
  weightOf(slot: number): number {
    return this.#weights[slot] as number;
  }

  #learn(slots: Uint32Array, answer: 0 | 1): void {
    const error = 1 / (1 + Math.exp(-this.score(slots))) - answer;
    const part = error / Math.sqrt(Math.max(1, slots.length));
    for (const slot of slots) {
      const weight = this.#weights[slot] as number;
      const gradient = part + DECAY * weight;
      const squares = (this.#squares[slot] as number) + gradient * gradient;
      this.#squares[slot] = squares;
      this.#weights[slot] = weight - (STEP * gradient) / (Math.sqrt(squares) + 1e-8);
    }
    this.#bias -= 0.01 * error;
  }
}

/** Slot of a feature: FNV-1a, mixed (Appleby's finaliser) so that its low bits are even. */
export function slotOf(feature: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < feature.length; i++) hash = Math.imul(hash ^ feature.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % SLOT_COUNT;
}

/** Numbers below a count in an order that looks random (a linear congruential generator drives it). */
function shuffled(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let at = count - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other] as number, order[at] as number];
  }
  return order;
}
