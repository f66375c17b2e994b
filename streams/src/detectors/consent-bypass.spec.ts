import type { EventData, LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { CONSENT_BYPASS } from './consent-bypass';

const MINUTE_MS = 60_000;

interface Said {
  readonly minute: number;
  readonly type: string;
  readonly data: EventData;
}

function events(said: readonly Said[]): LoggedEvent[] {
  return said.map(({ minute, type, data }, index) =>
    loggedEvent({
      id: `e${index}`,
      seq: index,
      timeMs: START_MS + minute * MINUTE_MS,
      type,
      data,
      source: 'exchange-portal',
    }),
  );
}
const found = (said: readonly Said[]) => foundBy(CONSENT_BYPASS, events(said));

const consent =
  (type: string) =>
  (minute: number, patient: string, purpose = 'treatment', partner = 'rehab-01'): Said => ({
    minute,
    type: `exchange.${type}`,
    data: { partner: { uid: partner }, patient: { uid: patient }, purpose },
  });
const given = consent('consent-given');
const withdrawn = consent('consent-withdrawn');
/** Consents of others, which show that a purpose asks for one. */
const others = (purpose = 'treatment', count = 5): Said[] =>
  Array.from({ length: count }, (_, n) => given(0, `pt-other-${n}`, purpose, 'gp-01'));

function released(minute: number, patient: string, more: EventData = {}): Said {
  const data = {
    partner: { uid: 'rehab-01' },
    patient: { uid: patient },
    actor: { user: { uid: 'p-014' } },
    purpose: 'treatment',
    agreement: 'ag-1',
    ...more,
  };
  return { minute, type: 'exchange.released', data };
}

function agreed(minute: number, agreement = 'ag-1', purposes = ['treatment', 'discharge-letter']): Said {
  const data = { partner: { uid: 'rehab-01' }, agreement, purposes, networks: ['198.51.100.0/28'] };
  return { minute, type: 'roster.partner-agreed', data };
}
const ended = (minute: number, agreement?: string): Said => ({
  minute,
  type: 'roster.partner-ended',
  data: { partner: { uid: 'rehab-01' }, ...(agreement === undefined ? {} : { agreement }) },
});

describe('consent-bypass', () => {
  describeDetector({
    detector: CONSENT_BYPASS,
    history: events([agreed(0), ...others(), given(1, 'pt-1'), withdrawn(60, 'pt-1'), released(200, 'pt-1')]),
    foundCount: 1,
    name: 'p-014',
  });

  describeDetector({
    detector: CONSENT_BYPASS,
    history: events([...others(), released(20, 'pt-1'), released(200, 'pt-1', { agreement: 'ag-2' })]),
    foundCount: 2,
    name: 'pt-1',
  });

  it('tells what the patient took back, and when', () => {
    const [result] = found([given(0, 'pt-1'), withdrawn(60, 'pt-1'), released(300, 'pt-1')]);
    expect(result?.detection.why).toBe(
      'Data of the patient pt-1 was released to the partner rehab-01 for treatment, although the patient had taken the consent back 4 hours before. It was released by p-014.',
    );
  });

  it('lets what is under way be finished, and what was agreed again', () => {
    expect(found([given(0, 'pt-1'), withdrawn(60, 'pt-1'), released(69, 'pt-1')])).toEqual([]);
    expect(found([given(0, 'pt-1'), withdrawn(60, 'pt-1'), released(70, 'pt-1')])).toHaveLength(1);
    expect(found([given(0, 'pt-1'), withdrawn(60, 'pt-1'), given(90, 'pt-1'), released(200, 'pt-1')])).toEqual([]);
  });

  it('asks for a consent where five patients gave one for that purpose, and not before', () => {
    expect(found([...others('treatment', 4), released(20, 'pt-1')])).toEqual([]);
    const [result] = found([...others(), released(20, 'pt-1')]);
    expect(result?.detection.why).toContain(
      'no consent of the patient is on file, and for that purpose patients are asked',
    );
  });

  it('tells another purpose from none', () => {
    const [result] = found([...others(), given(1, 'pt-1', 'discharge-letter'), released(20, 'pt-1')]);
    expect(result?.detection.why).toContain('although the patient agreed to discharge letter only');
  });

  it('keeps partners and patients apart', () => {
    expect(found([...others(), given(1, 'pt-1', 'treatment', 'gp-01'), released(20, 'pt-1')])).toHaveLength(1);
    expect(found([...others(), given(1, 'pt-2'), released(20, 'pt-1')])).toHaveLength(1);
    expect(found([...others(), given(1, 'pt-1'), released(20, 'pt-1')])).toEqual([]);
  });

  it('asks for nothing where the law or a life does', () => {
    for (const purpose of ['public-health-reporting', 'registry-reporting', 'emergency-transfer', 'court-order'])
      expect(found([agreed(0), ...others(purpose), ended(10, 'ag-1'), released(90, 'pt-1', { purpose })])).toEqual([]);
  });

  it('tells of agreements that ended', () => {
    expect(found([agreed(0), agreed(1, 'ag-2'), ended(10, 'ag-2'), released(90, 'pt-1')])).toEqual([]);
    const [result] = found([
      agreed(0),
      agreed(1, 'ag-2'),
      ended(30, 'ag-2'),
      released(90, 'pt-1', { agreement: 'ag-2' }),
    ]);
    expect(result?.detection.why).toContain('although the agreement with the partner had ended 1 hour before');
  });

  it('takes an end without a name for that of all agreements, and a renewal for what it is', () => {
    const unnamed = { agreement: undefined as never };
    expect(found([agreed(0), agreed(0, 'ag-2'), ended(10), released(90, 'pt-1', unnamed)])).toHaveLength(1);
    expect(found([agreed(0), ended(10), agreed(20), given(30, 'pt-1'), released(90, 'pt-1')])).toEqual([]);
    expect(found([ended(10), released(90, 'pt-1')])).toEqual([]);
  });

  it('tells of a purpose that no agreement names, where agreements are known', () => {
    const [result] = found([agreed(0), released(20, 'pt-1', { purpose: 'marketing' })]);
    expect(result?.detection.why).toContain('for marketing, although no agreement with the partner is for that');
    expect(found([released(20, 'pt-1', { purpose: 'marketing' })])).toEqual([]);
    expect(found([agreed(0), given(1, 'pt-1', 'marketing'), released(20, 'pt-1', { purpose: 'marketing' })])).toEqual(
      [],
    );
  });

  it('tells of the same breach by the same person once an hour', () => {
    const many = Array.from({ length: 9 }, (_, n) => released(20 + n * 10, `pt-${n}`));
    expect(found([...others(), ...many])).toHaveLength(2);
    const two = [released(20, 'pt-1'), released(21, 'pt-2', { actor: { user: { uid: 'p-015' } } })];
    expect(found([...others(), ...two])).toHaveLength(2);
  });

  it('says where nobody is named, and leaves out what names no patient or no purpose', () => {
    const [result] = found([...others(), released(20, 'pt-1', { actor: undefined as never })]);
    expect(result?.detection.why).toContain('Nobody is named as the one who released it.');
    expect(found([...others(), released(20, 'pt-1', { patient: undefined as never })])).toEqual([]);
    expect(found([...others(), released(20, 'pt-1', { purpose: undefined as never })])).toEqual([]);
  });
});
