import { SeededRandom } from '../random';

/** How somebody types in a stretch of a session; milliseconds. */
export interface Typing {
  readonly keys: number;
  readonly dwellMs: number;
  readonly flightMs: number;
  readonly spreadMs: number;
}

const DRIFT_MS = 30 * 86_400_000;
/** How far a rhythm wanders over weeks, and how far it differs from one stretch to the next. */
const DRIFT_SHARE = 0.03;
const STRETCH_SHARE = 0.05;

/** How a person types at a time: a rhythm of one's own that wanders over weeks and is never quite the same. */
export function typingOf(personUid: string, timeMs: number, random: SeededRandom): Typing {
  const own = SeededRandom.ofStream(0, `typing/${personUid}`);
  const [dwellMs, flightMs, spreadMs] = [own.integer(75, 135), own.integer(95, 230), own.integer(22, 60)];
  const drift = 1 + DRIFT_SHARE * Math.sin(2 * Math.PI * (timeMs / DRIFT_MS + own.fraction()));
  const vary = (usualMs: number): number => {
    const stretch = 1 + STRETCH_SHARE * (random.fraction() + random.fraction() - 1);
    return Math.round(usualMs * drift * stretch * 10) / 10;
  };
  return { keys: random.integer(60, 620), dwellMs: vary(dwellMs), flightMs: vary(flightMs), spreadMs: vary(spreadMs) };
}
