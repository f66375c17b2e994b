import { canonicalJson, subjectsOfEvent, type FieldPlan, type ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { personalFieldsOf, subjectsOfShaped, writeShaped } from './event-shape';
import { JsonBytes } from './json-bytes';
import { KnownShapes } from './known-shapes';
import { collectPersonalFields } from './personal-fields';
import { SHAPED_EVENT } from './testing/any-event';
import { eventOf, readEvent } from './testing/sample-events';
import { shippedFields } from './testing/shipped-fields';

const planOf = ({ type }: ProtegoEvent): FieldPlan => shippedFields().planOf(type) as FieldPlan;
const withData = (data: Record<string, unknown>): ProtegoEvent => eventOf('access.record-read', data);

describe('KnownShapes', () => {
  it('knows events with the same keys in the same order, from the second on', () => {
    const shapes = new KnownShapes();
    expect(shapes.match(readEvent, planOf(readEvent))).toBeUndefined();
    expect(shapes.match({ ...readEvent, id: 'e-9' }, planOf(readEvent))).toBeDefined();
    const { id, ...rest } = readEvent;
    expect(shapes.match({ ...rest, id }, planOf(readEvent))).toBeUndefined();
    expect(shapes.match({ ...rest, id }, planOf(readEvent))).toBeDefined();
    expect(shapes.match(readEvent, planOf(readEvent))).toBeDefined();
  });

  it('writes, sorts out and names an event as is done without a shape', () => {
    const out = new JsonBytes();
    let shaped = 0;
    fc.assert(
      fc.property(SHAPED_EVENT, (event) => {
        const shapes = new KnownShapes();
        shapes.match(event, planOf(event));
        const shape = shapes.match(event, planOf(event));
        if (shape === undefined) return;
        shaped++;
        writeShaped(shape, shapes.values, out);
        expect(out.take().toString()).toBe(canonicalJson(event));
        out.wipe();
        const { identities, texts } = collectPersonalFields(event, planOf(event), shippedFields());
        const found = personalFieldsOf(shape, shapes.values, shippedFields());
        expect(found.identities.map((field) => ({ ...field, at: undefined, personAt: undefined }))).toEqual(identities);
        expect(found.texts.map((field) => ({ ...field, at: undefined }))).toEqual(texts);
        for (const { at, value } of [...found.identities, ...found.texts])
          expect(shapes.values[at as number]).toBe(value);
        expect(subjectsOfShaped(shape, shapes.values)).toEqual(subjectsOfEvent(event));
      }),
      { numRuns: 500 },
    );
    expect(shaped).toBeGreaterThan(250);
  });

  it.each<[string, ProtegoEvent]>([
    ['an array', withData({ device: { tags: ['a'] } })],
    ['an empty object', withData({ device: {} })],
    ['an undeclared member', withData({ unheard: 1 })],
    ['an object in the place of a value', withData({ purpose: { of: 'care' } })],
    ['a member that the prototype has', withData({ device: { toString: 'x' } })],
    ['a placeholder in an open field', withData({ device: { uid: '~s.AAAAAAAAAAAAAAAAAAAAAA' } })],
    ['an undefined value', withData({ purpose: undefined })],
    ['members of another prototype', withData({ device: Object.create({ uid: 'a' }) as object })],
    [
      'very many members',
      withData({ device: Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`m${n}`, n])) }),
    ],
  ])('knows no event with %s', (_, event) => {
    const shapes = new KnownShapes();
    for (let round = 0; round < 3; round++) expect(shapes.match(event, planOf(event))).toBeUndefined();
  });

  it('does not take an inherited member for an own one', () => {
    const shapes = new KnownShapes();
    const own = withData({ device: { uid: 'a' } });
    for (let round = 0; round < 2; round++) shapes.match(own, planOf(own));
    const inherited = withData({ device: Object.create({ uid: 'a' }) as object });
    expect(shapes.match(inherited, planOf(own))).toBeUndefined();
  });

  it('does not take an event for one that has more members', () => {
    const shapes = new KnownShapes();
    const longer = withData({ device: { uid: 'a', ip: '10.0.0.1' }, purpose: 'care', status: 'ok' });
    for (let round = 0; round < 2; round++) shapes.match(longer, planOf(longer));
    const outer = withData({ device: { uid: 'a', ip: '10.0.0.1' }, purpose: 'care' });
    const inner = withData({ device: { uid: 'a' }, purpose: 'care', status: 'ok' });
    for (const shorter of [outer, inner]) expect(shapes.match(shorter, planOf(shorter))).toBeUndefined();
  });

  it('asks anew when the declarations are others', () => {
    const shapes = new KnownShapes();
    shapes.match(readEvent, planOf(readEvent));
    const other = { ...planOf(readEvent) };
    expect(shapes.match(readEvent, other)).toBeUndefined();
    expect(shapes.match(readEvent, other)).toBeDefined();
  });

  it('keeps few shapes, and stops learning where no two events are alike', () => {
    const shapes = new KnownShapes();
    const odd = (n: number): ProtegoEvent => withData({ device: { [`m${n}`]: n } });
    let known = 0;
    for (let n = 0; n < 100; n++) if (shapes.match(odd(n % 50), planOf(odd(n))) !== undefined) known++;
    expect(known).toBeLessThanOrEqual(8);
    // What comes again and again is known in the end, and not before long.
    const seen: boolean[] = [];
    for (let n = 0; n < 5_000; n++) seen.push(shapes.match(readEvent, planOf(readEvent)) !== undefined);
    expect(seen.indexOf(true)).toBeGreaterThan(3_000);
    expect(seen.at(-1)).toBe(true);
  });

  it('drops the values of an event', () => {
    const shapes = new KnownShapes();
    for (let round = 0; round < 2; round++) shapes.match(readEvent, planOf(readEvent));
    // Tried first, and found not to fit only after all members but the last.
    const unfit = { ...readEvent, data: { ...readEvent.data, record_type: { of: 'chart' } } };
    for (const event of [readEvent, unfit]) {
      shapes.match(event, planOf(event));
      expect(shapes.values).toContain('John Roe');
      shapes.forget();
      expect(shapes.values.every((value) => value === undefined)).toBe(true);
    }
    const short = withData({ purpose: 'care' });
    for (let round = 0; round < 2; round++) shapes.match(short, planOf(short));
    for (const event of [readEvent, unfit, short]) shapes.match(event, planOf(event));
    shapes.forget();
    expect(shapes.values.every((value) => value === undefined)).toBe(true);
  });
});
