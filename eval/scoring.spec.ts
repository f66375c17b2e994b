import type { SimulationLabel } from '@protego/simulation';
import { scoreAlarms, type RaisedAlarm } from './scoring';

const AT = Date.parse('2026-03-02T10:00:00Z');
const at = (minutes: number): string => new Date(AT + minutes * 60_000).toISOString();

const LABEL: SimulationLabel = {
  id: 'l1',
  attack: 'ransomware',
  kind: 'attack',
  activity: 'macro-document',
  eventIds: [
    { source: 'host-agents', id: 'e1' },
    { source: 'host-agents', id: 'e2' },
  ],
  entities: [{ kind: 'device', id: 'workstation-01' }],
  startsAt: at(0),
  endsAt: at(10),
  detectableAt: at(2),
};
const TWIN: SimulationLabel = {
  ...LABEL,
  id: 't1',
  kind: 'benign-twin',
  activity: 'backup',
  eventIds: [{ source: 'host-agents', id: 'b1' }],
  entities: [{ kind: 'device', id: 'backup-server-01' }],
  detectableAt: null,
};

/** An alarm certain at `minutes`, that has lasted one minute. */
function alarm(minutes: number, parts: Partial<RaisedAlarm> = {}): RaisedAlarm {
  const certainAtMs = AT + minutes * 60_000;
  return {
    ruleId: 'r1',
    certainAtMs,
    startMs: certainAtMs - 60_000,
    endMs: certainAtMs + 1,
    entities: [],
    events: [],
    ...parts,
  };
}

const event = (id: string, source = 'host-agents'): Partial<RaisedAlarm> => ({ events: [{ source, id }] });
const about = (kind: string, id: string): Partial<RaisedAlarm> => ({ entities: [{ kind, id }] });
const scored = (...alarms: RaisedAlarm[]): ReturnType<typeof scoreAlarms> => scoreAlarms([LABEL, TWIN], alarms);

describe('scoreAlarms', () => {
  it('counts an attack without an alarm as missed', () => {
    expect(scored()).toMatchObject({
      attacks: [{ label: 'l1', attack: 'ransomware', activity: 'macro-document', rules: [], delayMs: null }],
      twins: [{ label: 't1', rules: [], delayMs: null }],
      falseAlarms: [],
    });
  });

  it('finds an attack by one of its events, whatever else the alarm rests on and whenever it comes', () => {
    const late = alarm(60 * 24, {
      events: [
        { source: 'ehr', id: 'x' },
        { source: 'host-agents', id: 'e2' },
      ],
    });
    const { attacks, falseAlarms } = scored(late);
    expect(attacks[0]).toMatchObject({ rules: ['r1'], delayMs: (60 * 24 - 2) * 60_000 });
    expect(falseAlarms).toEqual([]);
  });

  it('does not take an event of another source for one of the attack', () => {
    const { attacks, falseAlarms } = scored(alarm(5, event('e1', 'ehr')));
    expect(attacks[0]?.delayMs).toBeNull();
    expect(falseAlarms).toHaveLength(1);
  });

  it('finds an attack by an entity of the same kind and id', () => {
    expect(scored(alarm(5, about('device', 'workstation-01'))).attacks[0]?.delayMs).toBe(180_000);
    for (const other of [about('host', 'workstation-01'), about('device', 'workstation-02')])
      expect(scored(alarm(5, other))).toMatchObject({ attacks: [{ delayMs: null }], falseAlarms: [{ twin: null }] });
  });

  it.each([
    ['ends before the first event', { startMs: AT - 9_000, endMs: AT }, false],
    ['ends with the first event', { startMs: AT - 9_000, endMs: AT + 1 }, true],
    ['begins an hour after the last event', { startMs: AT + 70 * 60_000, endMs: AT + 99 * 60_000 }, true],
    ['begins later than that', { startMs: AT + 70 * 60_000 + 1, endMs: AT + 99 * 60_000 }, false],
    ['lasts longer than the attack', { startMs: AT - 9_000, endMs: AT + 99 * 60_000 }, true],
  ])('says of an entity in a window that %s', (_, window, isFound) => {
    const { attacks } = scored(alarm(5, { ...about('device', 'workstation-01'), ...window }));
    expect(attacks[0]?.delayMs !== null).toBe(isFound);
  });

  it('measures from when the attack could be told from harmless activities, and never less than nothing', () => {
    expect(scored(alarm(2, event('e1'))).attacks[0]?.delayMs).toBe(0);
    expect(scored(alarm(1, event('e1'))).attacks[0]?.delayMs).toBe(0);
    expect(scored(alarm(3, event('e1'))).attacks[0]?.delayMs).toBe(60_000);
  });

  it('takes the alarm that is certain first, whatever the order, and names every rule once', () => {
    const alarms = [alarm(9, event('e2')), alarm(4, { ...event('e1'), ruleId: 'r2' }), alarm(6, event('e1'))];
    expect(scored(...alarms).attacks[0]).toMatchObject({ delayMs: 120_000, rules: ['r2', 'r1'] });
  });

  it('counts every alarm that belongs to nothing as a false one', () => {
    const { falseAlarms } = scored(alarm(1), alarm(2, { ...event('x'), ruleId: 'r2' }));
    expect(falseAlarms).toMatchObject([
      { ruleId: 'r1', twin: null },
      { ruleId: 'r2', twin: null },
    ]);
  });

  it('counts an alarm on a twin as false and against the twin', () => {
    for (const parts of [event('b1'), about('device', 'backup-server-01')]) {
      const { attacks, twins, falseAlarms } = scored(alarm(5, parts));
      expect(attacks[0]?.delayMs).toBeNull();
      expect(twins[0]).toMatchObject({ rules: ['r1'], delayMs: null });
      expect(falseAlarms).toMatchObject([{ ruleId: 'r1', twin: 'backup' }]);
    }
  });

  it('counts an alarm on an attack and a twin for the attack alone', () => {
    const both = { events: [...(event('e1').events ?? []), ...(event('b1').events ?? [])] };
    const { attacks, twins, falseAlarms } = scored(alarm(5, both));
    expect([attacks[0]?.rules, twins[0]?.rules, falseAlarms]).toEqual([['r1'], [], []]);
  });

  it('counts an alarm for every attack that it belongs to', () => {
    const second = { ...LABEL, id: 'l2', entities: [], eventIds: [{ source: 'host-agents', id: 'e2' }] };
    const { attacks } = scoreAlarms([LABEL, second], [alarm(5, event('e2'))]);
    expect(attacks.map(({ delayMs }) => delayMs)).toEqual([180_000, 180_000]);
  });

  it('refuses a label whose time cannot be read', () => {
    expect(() => scoreAlarms([{ ...LABEL, endsAt: 'soon' }], [])).toThrow('`soon`');
  });
});
