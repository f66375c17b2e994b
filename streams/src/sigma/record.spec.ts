import { fieldPlaceOf, fieldValue, type SigmaRecord } from './record';

const bare = (data: Record<string, unknown>): SigmaRecord => ({ type: null, data });

describe('fieldValue', () => {
  it('prefers a literal key to a path', () => {
    expect(fieldValue(bare({ 'id.orig_h': 'literal', id: { orig_h: 'path' } }), 'id.orig_h')).toBe('literal');
    expect(fieldValue(bare({ id: { orig_h: 'path' } }), 'id.orig_h')).toBe('path');
  });

  it('yields the values of all members of a list on the way', () => {
    const record = bare({ items: [{ ip: 'a' }, { ip: ['b', 'c'] }, { other: 1 }, null] });
    expect(fieldValue(record, 'items.ip')).toEqual(['a', 'b', 'c']);
    expect(fieldValue(record, 'items.none')).toBeUndefined();
  });

  it('tells a field that holds null or nothing from one that is missing, also below a list', () => {
    expect(fieldValue(bare({ a: null }), 'a')).toBeNull();
    expect(fieldValue(bare({ a: { b: null } }), 'a.b')).toBeNull();
    expect(fieldValue(bare({ a: [{ b: null }, { c: 1 }] }), 'a.b')).toBeNull();
    expect(fieldValue(bare({ a: [[{ b: [{ c: null }] }]] }), 'a.b.c')).toBeNull();
    expect(fieldValue(bare({ a: [{ b: null }, { b: 1 }] }), 'a.b')).toEqual([1]);
    expect(fieldValue(bare({ a: [{ b: [] }] }), 'a.b')).toEqual([]);
    expect(fieldValue(bare({ a: [{ b: [] }, { b: null }] }), 'a.b')).toBeNull();
    expect(fieldValue(bare({ a: [{ c: 1 }, null, 'x'] }), 'a.b')).toBeUndefined();
    expect(fieldValue(bare({ a: [] }), 'a.b')).toBeUndefined();
  });

  it('never reads what every object inherits', () => {
    for (const field of ['constructor', '__proto__', 'toString', 'a.constructor', 'a.b.length', 'event.constructor']) {
      expect(fieldValue({ type: 'x.y', data: { a: { b: 'text' } }, envelope: {} }, field)).toBeUndefined();
    }
  });

  it('reads the envelope last', () => {
    const envelope = { source: 'feed', subject: 'pump-1' };
    expect(fieldValue({ type: 'x.y', data: {}, envelope }, 'event.source')).toBe('feed');
    expect(fieldValue({ type: 'x.y', data: { event: { source: 'own' } }, envelope }, 'event.source')).toBe('own');
    expect(fieldValue({ type: 'x.y', data: {}, envelope }, 'subject')).toBeUndefined();
  });

  it('knows the other names of Windows fields', () => {
    const created = bare({ Channel: 'Security', EventID: 4688, NewProcessName: 'c:\\a.exe', SourceName: 'Auditing' });
    expect(fieldValue(created, 'Image')).toBe('c:\\a.exe');
    expect(fieldValue(created, 'Provider_Name')).toBe('Auditing');
    expect(fieldValue(bare({ Channel: 'Security', EventID: 4689, NewProcessName: 'x' }), 'Image')).toBeUndefined();
    expect(fieldValue(bare({ NewProcessName: 'x', SourceName: 'y' }), 'Provider_Name')).toBeUndefined();
    const defender = bare({ Channel: 'Microsoft-Windows-Windows Defender/Operational', 'Threat Name': 'Eicar' });
    expect(fieldValue(defender, 'ThreatName')).toBe('Eicar');
  });
});

describe('fieldPlaceOf', () => {
  const windows = { Channel: 'Security', EventID: 4688 };

  it.each([
    [{ 'a.b': 1, a: { b: 2 } }, 'a.b', ['data', 'a.b']],
    [{ a: { b: 2 } }, 'a.b', ['data', 'a', 'b']],
    [{ a: [{ b: 2 }, { b: 3 }] }, 'a.b', ['data', 'a', 'b']],
    [{ a: [{ b: null }] }, 'a.b', ['data', 'a', 'b']],
    [{ ...windows, NewProcessName: 'x' }, 'Image', ['data', 'NewProcessName']],
    [{}, 'event.subject', ['subject']],
    [{ event: { subject: 'own' } }, 'event.subject', ['data', 'event', 'subject']],
    [{}, 'event.constructor', undefined],
    [{}, 'a.b', undefined],
  ])('finds where %j holds `%s`', (data, field, place) => {
    const record = { type: null, data, envelope: { subject: 'pump-1' } };
    expect(fieldPlaceOf(record, field)).toEqual(place);
    expect(fieldValue(record, field) === undefined).toBe(place === undefined);
  });
});
