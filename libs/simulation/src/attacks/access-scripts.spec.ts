import { EventValidator, eventRegistry, formatRfc3339 } from '@protego/contracts';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import { ACCESS_SCRIPTS } from './access-scripts';
import type { Course, Script } from './activity';

const START = Date.UTC(2026, 2, 2);
/** Two corners of what is varied, and the middle. */
const CORNERS = [
  [0.25, 0.5],
  [1, 1],
  [4, 1.5],
] as const;

function hospitalOf(seed: number, scenario: string): Hospital {
  const settings = parseSettings({}, scenario);
  return buildHospital({ seed, settings, startMs: START, endMs: START + 14 * DAY_MS });
}

interface Played {
  readonly course: Course;
  readonly startMs: number;
  readonly endMsMax: number;
}

function playAt(script: Script, hospital: Hospital, pace: number, volume: number): Played | undefined {
  const random = SeededRandom.ofStream(hospital.seed, `${script.name}/${pace}/${volume}`);
  const hour = script.beginHours === undefined ? random.integer(0, 23) : random.pick(script.beginHours);
  const startMs = START + 2 * DAY_MS + hour * HOUR_MS + random.integer(0, HOUR_MS - 1);
  const ownPace = script.kind === 'attack' ? pace : 1;
  const course = script.play({ hospital, random, startMs, pace: ownPace, volume });
  return course && { course, startMs, endMsMax: startMs + script.durationMsMax / ownPace };
}

describe('scripts of sign-ins and sessions', () => {
  it('have two variants of each attack and a harmless twin of it, each with a name of its own', () => {
    const names = new Map<string, number>();
    for (const { attack, kind } of ACCESS_SCRIPTS) {
      names.set(`${attack} ${kind}`, (names.get(`${attack} ${kind}`) ?? 0) + 1);
    }
    for (const attack of [
      'credential-stuffing',
      'mfa-fatigue',
      'stolen-tablet',
      'session-hijack',
      'session-hijack-rhythm-only',
      'break-glass-abuse',
    ]) {
      expect(names.get(`${attack} attack`)).toBeGreaterThanOrEqual(2);
      expect(names.get(`${attack} benign-twin`)).toBeGreaterThanOrEqual(1);
    }
    expect(new Set(ACCESS_SCRIPTS.map(({ name }) => name)).size).toBe(ACCESS_SCRIPTS.length);
  });

  const general = hospitalOf(5, 'general');
  const again = hospitalOf(5, 'general');
  const pocket = hospitalOf(6, 'pocket-ehr');
  const validator = new EventValidator(eventRegistry);

  describe.each(ACCESS_SCRIPTS.map((script) => [script.name, script] as const))('%s', (_, script) => {
    it.each(CORNERS)('keeps to its time and to what events may be, at pace %d and volume %d', (pace, volume) => {
      const played = playAt(script, pocket, pace, volume) as Played;
      const { drafts, entities, detectableAtMs, suppressions = [] } = played.course;
      const times = drafts.map(({ timeMs }) => timeMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(times[0]).toBeGreaterThanOrEqual(played.startMs);
      expect(times.at(-1)).toBeLessThanOrEqual(played.endMsMax);
      for (const { timeMs, source, type, subject, data } of drafts) {
        const time = formatRfc3339(timeMs);
        const event = { specversion: '1.0', id: 'x', source, type, subject, time, site: 'house', data } as const;
        expect(() => validator.check(event)).not.toThrow();
      }
      const text = JSON.stringify(drafts);
      expect(entities.length).toBeGreaterThan(0);
      expect(entities.filter(({ id }) => !text.includes(`"${id}"`))).toEqual([]);
      for (const { fromMs, toMs } of suppressions) expect(toMs).toBeGreaterThan(fromMs);
      if (script.kind === 'benign-twin') expect(detectableAtMs).toBeNull();
      else expect(times).toContain(detectableAtMs);
    });

    it('is the same for the same seed, and needs no other hospital than an ordinary one', () => {
      const played = playAt(script, general, 1, 1);
      // Own phones are rare there, so that who needs one may not find it.
      if (script.name !== 'roaming-phone') expect(played).toBeDefined();
      expect(playAt(script, again, 1, 1)).toEqual(played);
    });
  });
});

describe('volume and pace', () => {
  const hospital = hospitalOf(7, 'general');
  const attacks = ACCESS_SCRIPTS.filter(({ kind }) => kind === 'attack');

  it.each(attacks.map((script) => [script.name, script] as const))('%s does more, and is slower', (_, script) => {
    const small = playAt(script, hospital, 1, 0.5) as Played;
    const large = playAt(script, hospital, 1, 1.5) as Played;
    expect(large.course.drafts.length).toBeGreaterThan(small.course.drafts.length);
    const lengthOf = ({ course, startMs }: Played): number => (course.drafts.at(-1)?.timeMs ?? 0) - startMs;
    const slow = playAt(script, hospital, 0.25, 1) as Played;
    const fast = playAt(script, hospital, 4, 1) as Played;
    expect(lengthOf(slow)).toBeGreaterThan(4 * lengthOf(fast));
  });
});
