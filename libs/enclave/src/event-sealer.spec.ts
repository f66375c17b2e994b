import { type ProtegoEvent } from '@protego/contracts';
import fc from 'fast-check';
import { leastCpuMs } from '@protego/contracts/testing';
import { EventSealer } from './event-sealer';
import { Tokeniser } from './identity';
import { KeyRing, type KeyOwner } from './key-ring';
import { openSlot, readSealedPart, recordKeyOf } from './sealed-part';
import { SHAPED_EVENT } from './testing/any-event';
import { readEvent } from './testing/sample-events';
import { shippedFields } from './testing/shipped-fields';

describe('EventSealer', () => {
  const ring = new KeyRing();
  const tokeniser = new Tokeniser(Buffer.alloc(32, 1));
  let slots = 0;
  const sealerOf = (): EventSealer =>
    new EventSealer(shippedFields(), tokeniser, ring, Buffer.alloc(32, 2), () => slots++);

  /** All that is decided when an event is sealed: not the salt, and what depends on it. */
  function outcomeOf(sealer: EventSealer, event: ProtegoEvent): unknown {
    try {
      const { sealed, body, pseudonyms, ...rest } = sealer.seal(event);
      return { ...rest, body: body.toString(), pseudonyms: [...pseudonyms], slots: openedSlots(sealed) };
    } catch (error) {
      return error;
    }
  }

  function openedSlots(sealed: Buffer): unknown {
    if (sealed.length === 0) return [];
    const part = readSealedPart(sealed);
    return part.slots.map((each) => {
      const owners = each.keyIds.map((keyId) => ring.byKeyId(keyId) as KeyOwner);
      const plaintext = openSlot(part, each, recordKeyOf(part.salt, each.slot, owners));
      return { kind: each.kind, keyIds: each.keyIds.map((id) => id.toString('hex')), plaintext: plaintext?.toString() };
    });
  }

  it('seals an event of a known shape as it seals the first of its kind', () => {
    fc.assert(
      fc.property(SHAPED_EVENT, (event) => {
        const sealer = sealerOf();
        // Whom the first one names is known by the second: the third is sealed as the second, with nothing new to learn.
        outcomeOf(sealerOf(), event);
        const first = outcomeOf(sealer, event);
        expect(outcomeOf(sealer, event)).toEqual(first);
        expect(outcomeOf(sealer, event)).toEqual(first);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses in an event of a known shape what it refuses in others', () => {
    const sealer = sealerOf();
    for (let round = 0; round < 2; round++) sealer.seal(readEvent);
    const lone = { ...readEvent, id: 'e-\ud800' };
    expect(outcomeOf(sealer, lone)).toMatchObject({ code: 'EVENT_TEXT_INVALID' });
    expect(outcomeOf(sealer, { ...readEvent, id: 'x'.repeat(70_000) })).toMatchObject({ code: 'EVENT_TOO_LARGE' });
    const unsafe = { ...readEvent, data: { ...readEvent.data, care_relationship: 2 ** 60 } };
    expect(outcomeOf(sealer, unsafe)).toMatchObject({ code: 'EVENT_NUMBER_UNSAFE' });
    expect(outcomeOf(sealer, readEvent)).toMatchObject({ subjects: expect.any(Array) as unknown });
  });

  it('takes about as long for very many coded texts as for one of their length', () => {
    const sealer = sealerOf();
    sealer.seal(readEvent);
    const coded = '<a b="%2541&amp;">\\\\u0041';
    const cpuMsOf = (data: Record<string, unknown>): number => {
      const event = { ...readEvent, data };
      return leastCpuMs(() => void sealer.seal(event));
    };
    const many = cpuMsOf(Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`f${i}`, `${coded}${i}`])));
    const one = cpuMsOf({ note: Array.from({ length: 1_200 }, (_, i) => `${coded}${i}`).join(' ') });
    expect(many).toBeLessThan(4 * one);
  });

  it('makes a new key for a person whose key was destroyed', () => {
    const sealer = sealerOf();
    const keyIdsOf = (): string[] =>
      readSealedPart(sealer.seal(readEvent).sealed).slots.flatMap(({ keyIds }) =>
        keyIds.map((id) => id.toString('hex')),
      );
    const before = keyIdsOf();
    expect(keyIdsOf()).toEqual(before);
    for (const id of before) ring.onDestroyed(Buffer.from(id, 'hex'));
    const after = keyIdsOf();
    expect(after).toHaveLength(before.length);
    expect(after.some((id) => before.includes(id))).toBe(false);
    expect(keyIdsOf()).toEqual(after);
  });
});
