import type { EventData } from '@protego/contracts';
import { START_MS, jsonCopy, loggedEvent } from '../testing';
import type { Json } from '../operators/stream-element';
import { readFact } from './facts';
import { HouseKnowledge } from './house-knowledge';
import type { PeopleFact } from './people-facts';

const HOUR_MS = 3_600_000;
const ANNA = { uid: 'anna', role: 'nurse', ward: 'surgery' };
const at = (hours: number): number => START_MS + hours * HOUR_MS;
const timeText = (hours: number): string => new Date(at(hours)).toISOString();

function learn(known: HouseKnowledge, type: string, data: EventData, hours = 0): void {
  const fact = readFact(loggedEvent({ id: 'a', timeMs: at(hours), type, data }));
  if (fact !== undefined) known.learn((fact as PeopleFact).news, at(hours));
}
const duty = (known: HouseKnowledge, from: number, to: number, parts: EventData = {}): void =>
  learn(known, 'roster.shift-assigned', { user: ANNA, start: timeText(from), end: timeText(to), ...parts });
const stateAt = (known: HouseKnowledge, hours: number, marginHours = 0) =>
  known.dutyAt('anna', at(hours), marginHours * HOUR_MS);

describe('HouseKnowledge', () => {
  it('knows where people work and live, and forgets those who left', () => {
    const known = new HouseKnowledge();
    const resident = { patient_uid: 'pt-1', surname: 'Lind', street: 'Elm', address: 'Elm 4' };
    learn(known, 'roster.person-assigned', { user: ANNA, resident });
    learn(known, 'roster.person-assigned', { user: { uid: 'anna', ward: 'medicine' } });
    expect(known.person('anna')).toMatchObject({
      role: 'nurse',
      ward: 'medicine',
      patient: 'pt-1',
      home: { surname: 'Lind', street: 'Elm', address: 'Elm 4' },
    });
    expect(known.staffWithRecord('pt-1')).toBe('anna');
    learn(known, 'roster.person-left', { user: ANNA });
    expect(known.person('anna')).toBeUndefined();
    expect(known.staffWithRecord('pt-1')).toBeUndefined();
  });

  it('knows who is on duty, on call or off, as far as a roster tells', () => {
    const known = new HouseKnowledge();
    expect(stateAt(known, 1)).toBeUndefined();
    duty(known, 0, 8);
    duty(known, 20, 30, { on_call: true });
    duty(known, 40, 48);
    expect([0, 7.9, 8, 12, 20, 29.9, 30, 47].map((hours) => stateAt(known, hours))).toEqual([
      'on-duty',
      'on-duty',
      'off-duty',
      'off-duty',
      'on-call',
      'on-call',
      'off-duty',
      'on-duty',
    ]);
    expect([-1, 48].map((hours) => stateAt(known, hours))).toEqual([undefined, undefined]);
    expect([8.5, 9, 19.5].map((hours) => stateAt(known, hours, 1))).toEqual(['on-duty', 'off-duty', 'on-call']);
    // Another one's roster says that the time is covered, not that this person is off.
    expect(known.dutyAt('bo', at(1), 0)).toBeUndefined();
    duty(known, 0, 6);
    expect(stateAt(known, 7)).toBe('off-duty');
  });

  it('leaves out a duty whose times are none', () => {
    const known = new HouseKnowledge();
    duty(known, 8, 8);
    learn(known, 'roster.shift-assigned', { user: ANNA, start: 'today', end: timeText(4) });
    expect(stateAt(known, 1)).toBeUndefined();
  });

  it('follows patients through the house', () => {
    const known = new HouseKnowledge();
    const home = { surname: 'Berg', street: 'Elm', address: 'Elm 5' };
    learn(known, 'care.patient-admitted', { patient: { uid: 'pt-9', ward: 'medicine', ...home } });
    learn(known, 'care.patient-transferred', { patient: { uid: 'pt-9', ward: 'surgery' }, from_ward: 'medicine' });
    expect(known.patient('pt-9')).toMatchObject({ ward: 'surgery', home, leftMs: null, isDeceased: false });
    learn(known, 'care.patient-discharged', { patient: { uid: 'pt-9' }, outcome: 'deceased' }, 3);
    expect(known.patient('pt-9')).toMatchObject({ ward: 'surgery', leftMs: at(3), isDeceased: true });
    expect(known.patient('pt-8')).toBeUndefined();
  });

  it('knows who cares for whom, for a while after it ended', () => {
    const known = new HouseKnowledge();
    const facts = { user: ANNA, patient: { uid: 'pt-9' } };
    expect(known.hasCared('anna', 'pt-9', at(0), HOUR_MS)).toBe(false);
    learn(known, 'care.relationship-started', facts);
    expect(known.hasCared('anna', 'pt-9', at(999), 0)).toBe(true);
    learn(known, 'care.relationship-ended', facts, 5);
    expect([5.5, 6].map((hours) => known.hasCared('anna', 'pt-9', at(hours), HOUR_MS))).toEqual([true, false]);
  });

  it('reads watch lists with patients and with values', () => {
    const known = new HouseKnowledge();
    learn(known, 'watchlist.entry-added', { list: 'vip', patient: { uid: 'pt-9' } });
    learn(known, 'watchlist.entry-added', { list: 'block', value: '192.0.2.1' });
    expect([known.isListed('vip', 'pt-9'), known.isListed('block', '192.0.2.1')]).toEqual([true, true]);
    expect(known.isListed('block', 'pt-9')).toBe(false);
    learn(known, 'watchlist.entry-removed', { list: 'vip', patient: { uid: 'pt-9' } });
    expect(known.isListed('vip', 'pt-9')).toBe(false);
  });

  it('keeps pairs apart whatever stands in them', () => {
    const known = new HouseKnowledge();
    learn(known, 'watchlist.entry-added', { list: 'a', value: 'b/c' });
    expect([known.isListed('a/b', 'c'), known.isListed('a', 'b/c')]).toEqual([false, true]);
  });

  it('remembers the latest duties only, and counts what it holds', () => {
    const known = new HouseKnowledge();
    for (let day = 0; day < 20; day++) duty(known, day * 24, day * 24 + 8);
    expect(stateAt(known, 1)).toBe('off-duty');
    expect(stateAt(known, 19 * 24 + 1)).toBe('on-duty');
    expect(known.counters('house')).toMatchObject({ housePeople: 1, housePeopleEvicted: 0, houseCare: 0 });
  });

  it('goes on from a snapshot, which stays as it was', () => {
    const known = new HouseKnowledge();
    duty(known, 0, 8);
    learn(known, 'care.patient-admitted', { patient: { uid: 'pt-9', ward: 'medicine' } });
    known.learnEmergency('anna', 'pt-9', at(0));
    const text = JSON.stringify(known.snapshot());
    const other = new HouseKnowledge();
    other.restore(jsonCopy(JSON.parse(text) as Json));
    learn(other, 'care.patient-discharged', { patient: { uid: 'pt-9' }, outcome: 'home' }, 1);
    expect([
      stateAt(other, 1),
      other.isEmergency('anna', 'pt-9', at(11.9)),
      other.isEmergency('anna', 'pt-9', at(12)),
    ]).toEqual(['on-duty', true, false]);
    expect(known.patient('pt-9')?.leftMs).toBeNull();
    expect(JSON.stringify(known.snapshot())).toBe(text);
  });
});
