import { formatRfc3339, type DetectionEntity, type Severity } from '@protego/contracts';
import type { SimulationLabel } from '@protego/simulation';
import { alertsPage } from './alerts-page';
import { mattersOf } from './matters';
import { plantedOn } from './truth';
import { wardOf } from './ward-of';
import type { WatchedAlert, WatchedDay } from './watched-day';

const START_MS = Date.UTC(2026, 2, 9, 7);
const HOUR_MS = 3_600_000;

function alert(
  hours: number,
  entities: readonly DetectionEntity[],
  severity: Severity = 'high',
  keys: readonly string[] = [],
): WatchedAlert {
  const at = formatRfc3339(START_MS + hours * HOUR_MS);
  return {
    found: {
      kind: 'detection',
      certainAtMs: START_MS + hours * HOUR_MS,
      seqs: [],
      detection: {
        id: `d${hours}`,
        ruleId: 'r',
        ruleHash: 'h',
        title: `Title at ${hours}`,
        severity,
        confidence: 'high',
        entities,
        window: { start: at, end: at },
        certainAt: at,
        why: 'Somebody wrote *stars* and <tags>.',
        nextStep: 'Ask.',
        harmlessExplanation: 'It may be nothing.',
        attack: [],
        eventCount: 1,
        status: 'raised',
      },
    },
    ward: 'intensive-care',
    eventKeys: new Set(keys),
  };
}

function label(
  kind: SimulationLabel['kind'],
  fromHours: number,
  toHours: number,
  ids: readonly string[],
): SimulationLabel {
  return {
    id: `l${fromHours}`,
    attack: 'stolen-tablet',
    kind,
    activity: 'stolen-tablet-other-ward',
    eventIds: [{ source: 'ehr', id: `e${fromHours}` }],
    entities: ids.map((id) => ({ kind: 'device', id })),
    startsAt: formatRfc3339(START_MS + fromHours * HOUR_MS),
    endsAt: formatRfc3339(START_MS + toHours * HOUR_MS),
    detectableAt: null,
  };
}

const device = (id: string): DetectionEntity => ({ kind: 'device', id });
const person = (id: string): DetectionEntity => ({ kind: 'person', id });
const day = (alerts: readonly WatchedAlert[], labels: readonly SimulationLabel[] = []): WatchedDay => ({
  startMs: START_MS,
  endMs: START_MS + 24 * HOUR_MS,
  alerts,
  labels,
});

describe('matters', () => {
  it('joins alerts that share a name, also through a third', () => {
    const alerts = [
      alert(1, [device('tablet-1')], 'medium'),
      alert(2, [device('pump-1')]),
      alert(3, [person('p-1')], 'critical'),
      alert(4, [device('tablet-1'), person('p-1')]),
    ];
    expect(mattersOf(alerts)).toEqual([
      { alerts: [1, 3, 4], names: ['tablet-1', 'p-1'], severity: 'critical', title: 'Title at 3' },
      { alerts: [2], names: ['pump-1'], severity: 'high', title: 'Title at 2' },
    ]);
  });
});

describe('truth', () => {
  it('tells alerts by events, or by names within the time of the activity', () => {
    const alerts = [
      alert(1, [person('p-1')], 'high', ['ehr/e0']),
      alert(2, [device('tablet-1')]),
      alert(9, [device('tablet-1')]),
    ];
    const planted = plantedOn(day(alerts, [label('attack', 0, 3, ['tablet-1'])]));
    expect(planted.map((each) => each.alerts)).toEqual([[1, 2]]);
  });

  it('leaves out what was over before the day or begins after it', () => {
    const labels = [label('attack', -9, -2, []), label('benign-twin', -9, 2, []), label('attack', 25, 26, [])];
    expect(plantedOn(day([], labels)).map((each) => each.label.kind)).toEqual(['benign-twin']);
  });
});

describe('ward', () => {
  const event = (data: object) => ({
    specversion: '1.0' as const,
    id: '1',
    source: 'ehr',
    type: 't',
    time: '2026-03-09T07:00:00Z',
    site: 's',
    data: data as Record<string, unknown>,
  });

  it('is the one that most events name, the place of the device before the person', () => {
    const events = [
      event({ device: { ward: 'surgery' }, user: { ward: 'oncology' } }),
      event({ actor: { user: { ward: 'oncology' } } }),
      event({ device: { ward: 'surgery' } }),
      event({}),
    ];
    expect(wardOf(events)).toBe('surgery');
    expect(wardOf([event({})])).toBeUndefined();
  });

  it('is not the room of a gateway through which a person works', () => {
    const gateway = { ward: 'data-centre' };
    expect(wardOf([event({ device: gateway, user: { ward: 'oncology' } })])).toBe('oncology');
    expect(wardOf([event({ device: gateway })])).toBe('data-centre');
  });
});

describe('page', () => {
  const page = alertsPage(
    day([alert(1, [device('tablet-1')]), alert(2, [device('pump-1')])], [label('attack', 0, 3, ['tablet-1'])]),
  );

  it('tells once what is raised again about the same', () => {
    const again = alertsPage(day([alert(1, [device('tablet-1')]), alert(2, [device('tablet-1')])], []));
    expect(again).toContain('**Raised again** at 09:00 (2).');
    expect(again).not.toContain('### 2.');
  });

  it('reads each alert with time, ward, severity and the three texts', () => {
    expect(page).toContain('### 1. 08:00, intensive care, high: Title at 1');
    expect(page).toContain('**What happened:** Somebody wrote \\*stars\\* and \\<tags\\>.');
    expect(page).toContain('**What to do first:** Ask.');
    expect(page).toContain('**It may be harmless:** It may be nothing.');
  });

  it('says at the end what was planted, and which alerts are about nothing', () => {
    expect(page).toContain('| 07:00 | stolen tablet other ward | stolen tablet | 1 |');
    expect(page).toContain('Alerts about nothing that was planted: 2.');
  });
});
