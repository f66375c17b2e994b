import { drawIndex } from '../hospital/draws';

/** Something that happens again and again at about the same interval; its n-th time follows from n alone. */
export interface Beat {
  readonly key: number;
  readonly intervalMs: number;
  /** Below the interval: where in it the beat lies. */
  readonly phaseMs: number;
  /** Below the interval: how much later than it should a beat may come. */
  readonly jitterMs: number;
}

/** A beat whose place in its interval follows from two numbers. */
export function beatOf(key: number, index: number, intervalMs: number, jitterShare: number): Beat {
  const beatKey = drawIndex(0x7fff_ffff, key, index, 1);
  const phaseMs = drawIndex(intervalMs, key, index, 2);
  return { key: beatKey, intervalMs, phaseMs, jitterMs: Math.floor(intervalMs * jitterShare) };
}

/** Number of the first beat that may come at a time or after it. */
export function firstBeat({ intervalMs, phaseMs, jitterMs }: Beat, timeMs: number): number {
  return Math.ceil((timeMs - phaseMs - jitterMs) / intervalMs);
}

/** Time of the n-th beat, milliseconds since the Unix epoch. */
export function beatTime({ key, intervalMs, phaseMs, jitterMs }: Beat, n: number): number {
  return n * intervalMs + phaseMs + (jitterMs === 0 ? 0 : drawIndex(jitterMs, key, n));
}

/** Many beats, of which only those are looked at closely that may come in a time. */
export class Beats {
  readonly #intervalsMs: Float64Array;
  readonly #phasesMs: Float64Array;
  readonly #jittersMs: Float64Array;

  constructor(private readonly beats: readonly Beat[]) {
    this.#intervalsMs = Float64Array.from(beats, ({ intervalMs }) => intervalMs);
    this.#phasesMs = Float64Array.from(beats, ({ phaseMs }) => phaseMs);
    this.#jittersMs = Float64Array.from(beats, ({ jitterMs }) => jitterMs);
  }

  /** Every beat in a time, half-open: three numbers for each, the place of the beat in the list, its `n` and its time. */
  within(startMs: number, endMs: number): number[] {
    const found: number[] = [];
    const count = this.beats.length;
    for (let index = 0; index < count; index++) {
      const intervalMs = this.#intervalsMs[index] as number;
      const phaseMs = this.#phasesMs[index] as number;
      let n = Math.ceil((startMs - phaseMs - (this.#jittersMs[index] as number)) / intervalMs);
      for (; n * intervalMs + phaseMs < endMs; n++) {
        const timeMs = beatTime(this.beats[index] as Beat, n);
        if (timeMs >= startMs && timeMs < endMs) found.push(index, n, timeMs);
      }
    }
    return found;
  }
}
