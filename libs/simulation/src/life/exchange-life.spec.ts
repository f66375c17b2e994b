import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import { consentInForce, consentsOf } from './consent-plan';
import { episodesOfDay } from './episode';
import { EXCHANGE_LIFE, PARTNER_DESK_LIFE } from './exchange-life';
import { SLICE_MS, type Life } from './life';
import { POCKET_LIFE } from './pocket-life';
import { WEARABLE_LIFE } from './wearable-life';

const BEGIN_MS = Date.UTC(2026, 2, 2, 7);
const DAYS = 3;
const LIVES = [EXCHANGE_LIFE, PARTNER_DESK_LIFE, POCKET_LIFE, WEARABLE_LIFE];

function hospitalOf(scenario = 'food-coach', seed = 5): Hospital {
  const settings = parseSettings({ wards: '2' }, scenario);
  return buildHospital({ seed, settings, startMs: BEGIN_MS, endMs: BEGIN_MS + DAYS * DAY_MS });
}

function slice(hospital: Hospital, lives: readonly Life[], startMs: number): EventDraft[] {
  const { seed, settings } = hospital;
  const endMs = startMs + SLICE_MS;
  const part = { hospital, settings, seed, startMs, endMs, beginMs: BEGIN_MS };
  return lives.flatMap((life) =>
    life.drafts({ ...part, random: SeededRandom.ofStream(seed, `${life.name}/${startMs}`) }),
  );
}

function history(hospital: Hospital, lives: readonly Life[] = LIVES, days = DAYS): EventDraft[] {
  const drafts: EventDraft[] = [];
  for (let startMs = BEGIN_MS; startMs < BEGIN_MS + days * DAY_MS; startMs += SLICE_MS)
    drafts.push(...slice(hospital, lives, startMs));
  return drafts.sort((a, b) => a.timeMs - b.timeMs);
}

/** A field of a draft by its path. */
function at({ data }: EventDraft, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], data);
}
const pairOf = (draft: EventDraft): string =>
  [at(draft, 'partner.uid'), at(draft, 'patient.uid'), at(draft, 'purpose')].join('/');

describe('life of the exchange', () => {
  const hospital = hospitalOf();
  const drafts = history(hospital);
  const of = (type: string): EventDraft[] => drafts.filter((draft) => draft.type === type);

  it('is the same slice by slice, in any order', () => {
    const starts = [71, 3, 0, 400, 399].map((n) => BEGIN_MS + n * SLICE_MS);
    const fresh = hospitalOf();
    for (const startMs of starts) {
      const part = slice(fresh, LIVES, startMs);
      expect(part.every(({ timeMs }) => timeMs >= startMs && timeMs < startMs + SLICE_MS)).toBe(true);
      const whole = drafts.filter(({ timeMs }) => timeMs >= startMs && timeMs < startMs + SLICE_MS);
      expect(part.sort((a, b) => a.timeMs - b.timeMs)).toEqual(whole);
    }
  });

  it('releases nothing without the consent that it needs', () => {
    const inForce = new Set<string>();
    let checked = 0;
    for (const draft of drafts) {
      if (draft.type === 'exchange.consent-given') inForce.add(pairOf(draft));
      if (draft.type === 'exchange.consent-withdrawn') inForce.delete(pairOf(draft));
      const purpose = at(draft, 'purpose') as string;
      if (draft.type !== 'exchange.released' || FREE.has(purpose)) continue;
      expect(inForce).toContain(pairOf(draft));
      checked++;
    }
    expect(checked).toBeGreaterThan(100);
  });

  it('answers requests that were made, and few things unasked', () => {
    const asked = new Map(of('exchange.requested').map((draft) => [at(draft, 'request.uid'), draft.timeMs]));
    const answers = [...of('exchange.released'), ...of('exchange.refused')];
    const unasked = answers.filter((draft) => at(draft, 'request.uid') === undefined);
    for (const draft of answers.filter((each) => !unasked.includes(each)))
      expect(asked.get(at(draft, 'request.uid'))).toBeLessThanOrEqual(draft.timeMs);
    expect(unasked.length / answers.length).toBeLessThan(0.05);
    for (const draft of unasked) expect(at(draft, 'actor.user.uid')).toBeDefined();
  });

  it('lets people of partners ask only while they are signed in', () => {
    const open = new Map<string, string>();
    for (const draft of drafts) {
      const user = (at(draft, 'user.uid') ?? at(draft, 'actor.user.uid')) as string;
      if (draft.type === 'access.signed-in') open.set(user, at(draft, 'src_endpoint.ip') as string);
      if (draft.type === 'access.session-ended') open.delete(user);
      const isPerson =
        at(draft, 'actor.user.role') === 'partner-user' &&
        /^Mozilla/.test(at(draft, 'http_request.user_agent') as string);
      if (draft.type === 'exchange.requested' && isPerson) expect(open.get(user)).toBe(at(draft, 'src_endpoint.ip'));
    }
  });

  it('is quiet at night and modest by day', () => {
    const exchange = drafts.filter(({ source, timeMs }) => source === 'exchange-portal' && timeMs > BEGIN_MS + HOUR_MS);
    expect(exchange.length / DAYS / 2).toBeGreaterThan(200);
    expect(exchange.length / DAYS / 2).toBeLessThan(700);
    const inHours = (from: number, to: number): number =>
      exchange.filter(({ timeMs }) => (timeMs % DAY_MS) / HOUR_MS >= from && (timeMs % DAY_MS) / HOUR_MS < to).length;
    expect(inHours(9, 12)).toBeGreaterThan(2 * inHours(1, 4));
  });

  it('says which consent is in force', () => {
    const episodes = episodesOfDay(hospital, Math.floor(BEGIN_MS / DAY_MS));
    const consents = episodes.flatMap((episode) => consentsOf(hospital, episode));
    expect(consents.length).toBeGreaterThan(0);
    for (const consent of consents) {
      const { partner, patient, purpose, givenMs, withdrawnMs } = consent;
      const ask = (timeMs: number): unknown =>
        consentInForce(hospital, patient.patientUid, partner.view.uid, purpose, timeMs);
      expect(ask(givenMs - 1)).not.toEqual(consent);
      expect(ask(givenMs)).toEqual(consent);
      if (withdrawnMs !== undefined) expect(ask(withdrawnMs)).toBeUndefined();
    }
  });

  it('pairs wearables and gives them back', () => {
    const pairings = of('device.config-changed').filter((draft) => at(draft, 'setting') === 'pairing');
    expect(new Set(pairings.map((draft) => at(draft, 'value')))).toEqual(new Set(['paired', 'free']));
  });
});

/** What needs no consent. */
const FREE: ReadonlySet<string> = new Set(['billing', 'public-health-reporting', 'emergency-transfer']);

describe('life of own phones', () => {
  it('enrols phones, finds some out of the rules and puts them right, and lets unmanaged ones be guests', () => {
    const hospital = hospitalOf('pocket-ehr', 6);
    const drafts = history(hospital, [POCKET_LIFE]);
    const settings = drafts.filter(({ type }) => type === 'device.config-changed').map((draft) => at(draft, 'setting'));
    expect(new Set(settings)).toEqual(new Set(['mdm.enrolment', 'mdm.compliance', 'mdm.system-version']));
    const guests = drafts.filter((draft) => at(draft, 'network') === 'guest-wireless');
    expect(guests.length).toBeGreaterThan(0);
    expect(guests.every((draft) => at(draft, 'device.managed') === false)).toBe(true);
    expect(drafts.every((draft) => at(draft, 'device.type') === 'phone')).toBe(true);
  });
});
