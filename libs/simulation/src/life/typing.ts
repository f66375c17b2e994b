import { drawFraction } from '../hospital/draws';
import { SeededRandom } from '../random';

/** How somebody types in a stretch of a session; milliseconds. */
export interface Typing {
  readonly keys: number;
  readonly dwellMs: number;
  readonly flightMs: number;
  readonly spreadMs: number;
}

/** Usual rhythm of a person, and where in its wandering it began. */
interface Rhythm extends Omit<Typing, 'keys'> {
  readonly phase: number;
}

const DRIFT_MS = 30 * 86_400_000;
/** How far a rhythm wanders over weeks, and how far it differs from one stretch to the next. */
const DRIFT_SHARE = 0.03;
const STRETCH_SHARE = 0.05;

const RHYTHMS_MAX = 10_000;
const rhythms = new Map<string, Rhythm>();

/**
 * How a person types at a time: a rhythm of one's own that wanders over weeks and is never quite the same.
 *
 * @param key - what the stretch differs by from others: 32 bits
 */
export function typingOf(personUid: string, timeMs: number, key: number): Typing {
  const { dwellMs, flightMs, spreadMs, phase } = rhythmOf(personUid);
  const drift = 1 + DRIFT_SHARE * Math.sin(2 * Math.PI * (timeMs / DRIFT_MS + phase));
  const vary = (usualMs: number, question: number): number => {
    const stretch = 1 + STRETCH_SHARE * (drawFraction(key, question) + drawFraction(key, question, 1) - 1);
    return Math.round(usualMs * drift * stretch * 10) / 10;
  };
  const keys = 60 + Math.floor(drawFraction(key, 0) * 560);
  return { keys, dwellMs: vary(dwellMs, 1), flightMs: vary(flightMs, 2), spreadMs: vary(spreadMs, 3) };
}

function rhythmOf(personUid: string): Rhythm {
  const known = rhythms.get(personUid);
  if (known !== undefined) return known;
  const own = SeededRandom.ofStream(0, `typing/${personUid}`);
  const [dwellMs, flightMs, spreadMs] = [own.integer(75, 135), own.integer(95, 230), own.integer(22, 60)];
  const rhythm = { dwellMs, flightMs, spreadMs, phase: own.fraction() };
  if (rhythms.size >= RHYTHMS_MAX) rhythms.clear();
  rhythms.set(personUid, rhythm);
  return rhythm;
}
