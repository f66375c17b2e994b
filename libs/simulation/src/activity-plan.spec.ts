import { ActivityPlan, type PlanOptions, type PlayedActivity } from './activity-plan';
import type { Script, Stage } from './attacks/activity';
import { DAY_MS, HOUR_MS } from './durations';
import { tickAt } from './slice-drafts';
import type { Hospital } from './hospital/model';
import { ATTACKS, type AttackName } from './label';
import type { SimulationSettings } from './settings';

const START_MS = Date.UTC(2026, 2, 2, 7);
const SETTINGS = {
  attacks: true,
  twins: true,
  attacksPerDay: 6,
  twinsPerDay: 4,
  attackKinds: ATTACKS as readonly AttackName[],
  attackPace: 1,
  attackVolume: 1,
  attackFreeDays: 0,
};

/** A script of two events an hour apart at pace 1, and the stages that it was played on. */
function script(attack: AttackName, over: Partial<Script> = {}, stages: Stage[] = []): Script {
  return {
    attack,
    kind: 'attack',
    name: `${attack}-plain`,
    source: '',
    durationMsMax: HOUR_MS,
    play: (stage) => {
      stages.push(stage);
      const times = [stage.startMs, stage.startMs + HOUR_MS / stage.pace];
      return { entities: [], drafts: times.map(tickAt), detectableAtMs: stage.startMs };
    },
    ...over,
  };
}

function planOf(scripts: readonly Script[], settings: Partial<typeof SETTINGS> = {}, days = 10): ActivityPlan {
  const options: PlanOptions = {
    hospital: {} as Hospital,
    settings: { ...SETTINGS, ...settings } as unknown as SimulationSettings,
    seed: 3,
    startMs: START_MS,
    endMs: START_MS + days * DAY_MS,
    scripts,
  };
  return new ActivityPlan(options);
}

function allOf(plan: ActivityPlan, days = 10): PlayedActivity[] {
  const planned = [...plan.planned(START_MS, START_MS + days * DAY_MS)];
  return planned.map((each) => plan.play(each)).filter((each) => each !== undefined) as PlayedActivity[];
}

describe('ActivityPlan', () => {
  const scripts = [
    script('ransomware'),
    script('mfa-fatigue'),
    script('mfa-fatigue', { name: 'mfa-fatigue-at-night', beginHours: [1, 2] }),
    script('stolen-tablet', { kind: 'benign-twin', name: 'tablet-lent' }),
  ];

  it('lets attacks take turns, as many a day as was asked', () => {
    const played = allOf(planOf(scripts));
    const attacks = played.filter(({ script: { kind } }) => kind === 'attack');
    expect(attacks).toHaveLength(60);
    expect(attacks.filter(({ script: { attack } }) => attack === 'ransomware')).toHaveLength(30);
    expect(played.length - attacks.length).toBe(40);
    expect(new Set(played.map(({ key }) => key)).size).toBe(played.length);
  });

  it('says the same of a stretch as of the whole', () => {
    const plan = planOf(scripts);
    const whole = [...plan.planned(START_MS, START_MS + 10 * DAY_MS)].map(({ key, fromMs }) => [key, fromMs]);
    const stretch = [...planOf(scripts).planned(START_MS + 3.3 * DAY_MS, START_MS + 4.1 * DAY_MS)];
    expect(stretch.length).toBeGreaterThan(5);
    for (const { key, fromMs } of stretch) expect(whole).toContainEqual([key, fromMs]);
    const within = whole.filter(
      ([, fromMs]) => (fromMs as number) >= START_MS + 3.3 * DAY_MS && (fromMs as number) < START_MS + 4.1 * DAY_MS,
    );
    expect(stretch.map(({ key }) => key)).toEqual(expect.arrayContaining(within.map(([key]) => key)));
  });

  it('begins at the hours that a script wants, and ends before the end', () => {
    const played = allOf(planOf(scripts, { attackPace: 0.25 }));
    for (const { endMs } of played) expect(endMs).toBeLessThanOrEqual(START_MS + 10 * DAY_MS - 600_000);
    const nightly = played.filter(({ script: { name } }) => name === 'mfa-fatigue-at-night');
    expect(nightly.length).toBeGreaterThan(0);
    expect(nightly.filter(({ startMs }) => ![1, 2].includes(new Date(startMs).getUTCHours()))).toEqual([]);
  });

  it('keeps the first days free, and leaves out what was not asked for', () => {
    const played = allOf(planOf(scripts, { attackFreeDays: 2, twins: false, attackKinds: ['ransomware'] }));
    expect(played.length).toBeGreaterThan(0);
    expect(new Set(played.map(({ script: { name } }) => name))).toEqual(new Set(['ransomware-plain']));
    expect(Math.min(...played.map(({ startMs }) => startMs))).toBeGreaterThanOrEqual(START_MS + 2 * DAY_MS);
    expect(allOf(planOf(scripts, { attacks: false, twins: false }))).toEqual([]);
  });

  it('makes an attack as fast as a short history needs, up to four times, and leaves out what is longer', () => {
    const stages: Stage[] = [];
    const short = planOf(
      [script('ransomware', {}, stages), script('stolen-tablet', { durationMsMax: DAY_MS })],
      {},
      1 / 24,
    );
    const played = allOf(short, 1 / 24);
    expect(new Set(played.map(({ script: { attack } }) => attack))).toEqual(new Set(['ransomware']));
    expect(stages[0]?.pace).toBeCloseTo(60 / 50, 1);
    const twin = script('ransomware', { kind: 'benign-twin' });
    expect(allOf(planOf([twin], { twinsPerDay: 48 }, 1 / 24), 1 / 24)).toEqual([]);
  });

  it('tries the other scripts of an attack when the hospital lacks what one needs', () => {
    const never = script('ransomware', { name: 'ransomware-never', play: () => undefined });
    const played = allOf(planOf([never, script('ransomware')]));
    expect(played).toHaveLength(60);
    expect(allOf(planOf([never]))).toEqual([]);
  });
});
