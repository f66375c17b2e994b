import { EventValidator, eventRegistry, formatRfc3339 } from '@protego/contracts';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import type { Course, Script } from './activity';
import { SNOOPING_SCRIPTS } from './snooping-scripts';

const START = Date.UTC(2026, 2, 2, 7);
const hospital = buildHospital({
  seed: 9,
  settings: parseSettings({ ownPhoneShare: '0.5' }),
  startMs: START,
  endMs: START + 7 * DAY_MS,
});
const PACES = [0.25, 1, 4];
const VOLUMES = [0.5, 1, 1.5];

interface Played {
  readonly course: Course;
  readonly startMs: number;
  readonly endMsMax: number;
}

/** What a script makes of nine starts over four days, by pace and volume. */
function playedOf(script: Script): Played[] {
  return PACES.flatMap((speed, row) =>
    VOLUMES.flatMap((volume, column) => {
      const random = SeededRandom.ofStream(9, `${script.name}/${row}/${column}`);
      const hour = script.beginHours === undefined ? random.integer(0, 23) : random.pick(script.beginHours);
      const day = Math.floor(START / DAY_MS) + 1 + random.integer(0, 3);
      const startMs = day * DAY_MS + hour * HOUR_MS + random.integer(0, HOUR_MS - 1);
      const pace = script.kind === 'attack' ? speed : 1;
      const course = script.play({ hospital, random, startMs, pace, volume });
      return course === undefined ? [] : [{ course, startMs, endMsMax: startMs + script.durationMsMax / pace }];
    }),
  );
}

describe('scripts of record snooping', () => {
  it('have names of their own; ten kinds, each with variants and a twin', () => {
    expect(new Set(SNOOPING_SCRIPTS.map(({ name }) => name)).size).toBe(SNOOPING_SCRIPTS.length);
    const kinds = new Set(SNOOPING_SCRIPTS.map(({ attack }) => attack));
    expect(kinds.size).toBe(10);
    for (const attack of kinds) {
      const of = (kind: Script['kind']): number =>
        SNOOPING_SCRIPTS.filter((script) => script.attack === attack && script.kind === kind).length;
      expect(of('attack')).toBeGreaterThanOrEqual(3);
      expect(of('benign-twin')).toBeGreaterThanOrEqual(1);
    }
  });

  describe.each(SNOOPING_SCRIPTS.map((script) => [script.name, script] as const))('%s', (_, script) => {
    const played = playedOf(script);

    it('can be played, and ends in time at any pace and volume', () => {
      expect(played.length).toBeGreaterThanOrEqual(2);
      expect(script.durationMsMax).toBeLessThanOrEqual(5 * DAY_MS);
      for (const { course, startMs, endMsMax } of played) {
        const times = course.drafts.map(({ timeMs }) => timeMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        expect(times[0]).toBeGreaterThanOrEqual(startMs);
        expect(times.at(-1)).toBeLessThanOrEqual(endMsMax);
      }
    });

    it('says from when on it can be told, if it is an attack, and who took part', () => {
      for (const { course } of played) {
        expect(course.entities.length).toBeGreaterThan(0);
        if (script.kind === 'attack') {
          const accessMs = course.drafts
            .filter(({ type }) => type.startsWith('access.record-'))
            .map(({ timeMs }) => timeMs);
          expect(accessMs).toContain(course.detectableAtMs);
        } else expect(course.detectableAtMs).toBeNull();
      }
    });

    it('makes events that the registry accepts', () => {
      const validator = new EventValidator(eventRegistry);
      for (const { timeMs, source, type, subject, data } of played[0]?.course.drafts ?? []) {
        const time = formatRfc3339(timeMs);
        const event = { specversion: '1.0', id: 'x', source, type, subject, time, site: 'house', data } as const;
        expect(() => validator.check(event)).not.toThrow();
      }
    });

    it('is the same for the same start', () => {
      expect(playedOf(script)[0]?.course).toEqual(played[0]?.course);
    });
  });
});
