import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { ATTACKS } from '../label';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import type { Course, Script } from './activity';
import { EXCHANGE_SCRIPTS } from './exchange-scripts';

const BEGIN_MS = Date.UTC(2026, 2, 3, 0);
const SPEEDS = [
  { pace: 1, volume: 1 },
  { pace: 0.25, volume: 0.5 },
  { pace: 4, volume: 1.5 },
];

function hospitalOf(scenario: string): Hospital {
  const settings = parseSettings({ wards: '3' }, scenario);
  return buildHospital({ seed: 3, settings, startMs: BEGIN_MS, endMs: BEGIN_MS + 7 * DAY_MS });
}
const hospitals = ['general', 'pocket-ehr', 'food-coach'].map(hospitalOf);

function playAll(
  script: Script,
  { pace, volume }: { pace: number; volume: number },
): { course: Course; startMs: number }[] {
  const hours = script.beginHours ?? [9, 22];
  return hospitals.flatMap((hospital) =>
    hours.slice(0, 2).flatMap((hour) => {
      const startMs = BEGIN_MS + hour * HOUR_MS + 12 * 60_000;
      const random = SeededRandom.ofStream(7, `${script.name}/${hour}`);
      const speed = script.kind === 'attack' ? pace : 1;
      const course = script.play({ hospital, random, startMs, pace: speed, volume });
      return course === undefined ? [] : [{ course, startMs }];
    }),
  );
}

describe('scripts of the exchange', () => {
  it('have names of their own, attacks that exist, and twins for every attack', () => {
    expect(new Set(EXCHANGE_SCRIPTS.map(({ name }) => name)).size).toBe(EXCHANGE_SCRIPTS.length);
    const of = (attack: string, kind: Script['kind']): number =>
      EXCHANGE_SCRIPTS.filter((script) => script.attack === attack && script.kind === kind).length;
    for (const attack of new Set(EXCHANGE_SCRIPTS.map((script) => script.attack))) {
      expect(ATTACKS).toContain(attack);
      expect(of(attack, 'benign-twin')).toBeGreaterThan(0);
    }
    for (const attack of ['portal-exfiltration', 'partner-takeover', 'consent-bypass'])
      expect(of(attack, 'attack')).toBeGreaterThanOrEqual(3);
  });

  describe.each(EXCHANGE_SCRIPTS.map((script) => [script.name, script] as const))('%s', (_, script) => {
    it.each(SPEEDS)('stays within its time at pace $pace and volume $volume', (speed) => {
      const played = playAll(script, speed);
      expect(played.length).toBeGreaterThan(0);
      const pace = script.kind === 'attack' ? speed.pace : 1;
      for (const { course, startMs } of played) {
        const times = course.drafts.map(({ timeMs }) => timeMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(times.every(Number.isSafeInteger)).toBe(true);
        expect(times[0]).toBeGreaterThanOrEqual(startMs);
        expect(times.at(-1)).toBeLessThanOrEqual(startMs + script.durationMsMax / pace);
        expect(course.entities.length).toBeGreaterThan(0);
        if (script.kind === 'benign-twin') expect(course.detectableAtMs).toBeNull();
        else expect(times).toContain(course.detectableAtMs);
      }
    });

    it('is the same again', () => {
      const [speed] = SPEEDS;
      expect(playAll(script, speed as never)).toEqual(playAll(script, speed as never));
    });
  });
});
