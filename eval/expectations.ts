import type { AttackName } from '@protego/simulation';

/** Attacks that nothing shipped is expected to find, each with its reason. They are counted apart. */
export const EXPECTED_MISSES: ReadonlyMap<AttackName, string> = new Map([
  [
    'session-hijack-rhythm-only',
    'only the rhythm of typing tells it from its owner, and that takes a model of each person',
  ],
]);
