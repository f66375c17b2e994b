import { EncodedTexts } from '@protego/contracts';
import { BlockBuilder } from './blocks/block-builder';
import { LEAF_HEAD_BYTES, RECORD_SUBJECTS_MAX } from './blocks/block-format';
import { checkedBytesOf } from './blocks/record-check';
import { SubjectProbe, subjectFilterBytes } from './blocks/subject-filter';
import { SealedRecord, type LogRecordInput } from './log-record';

const key = Buffer.alloc(16, 7);
const FIELDS = { timeMs: 1, arrivedAtMs: 2, recordedAtMs: 3, type: 'a.b' };
const BODY = Buffer.from('{}');
const SEALED = Buffer.from('sealed');

function encoded(subjects: readonly string[], lengthSaid = subjects.length): EncodedTexts {
  const parts = subjects.flatMap((subject) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(subject));
    return [length, Buffer.from(subject)];
  });
  const memory = Buffer.concat([Buffer.alloc(3, 1), ...parts, Buffer.alloc(3, 1)]);
  return new EncodedTexts(memory, 3, memory.length - 3, lengthSaid);
}

const never = {
  body: BODY,
  sealed: SEALED,
  get subjects(): string[] {
    throw new Error('subjects were decoded');
  },
};

describe('SealedRecord', () => {
  const names = ['tablet-1', '~p.ä', 'x'.repeat(2_000), 'x'.repeat(129)];

  it.each([
    ['subjects', { body: BODY, sealed: SEALED, subjects: names }],
    [
      'encoded subjects, which are not decoded',
      Object.assign(Object.create(never) as typeof never, { encodedSubjects: encoded(names) }),
    ],
  ])('is laid out in a block as a record with the same parts is, with %s', (_, parts) => {
    const record = new SealedRecord(parts, FIELDS);
    const same: LogRecordInput = { ...FIELDS, body: BODY, sealed: SEALED, subjects: names };
    expect(checkedBytesOf(record)).toBe(checkedBytesOf(same));
    const [block, other] = [record, same].map((one) => {
      const builder = new BlockBuilder(65_536, key);
      builder.add(one);
      return builder.seal(0);
    }) as [ReturnType<BlockBuilder['seal']>, ReturnType<BlockBuilder['seal']>];
    const tail = (payload: Buffer): Buffer => payload.subarray(-(LEAF_HEAD_BYTES - 17 + SEALED.length + BODY.length));
    expect(tail(block.payload).equals(tail(other.payload))).toBe(true);
    expect([block.payload.length, block.recordBytes]).toEqual([other.payload.length, other.recordBytes]);
    expect(block.filter).toHaveLength(subjectFilterBytes(names.length));
    for (const name of names) expect(new SubjectProbe([name], key).mayMatch(block.filter)).toBe(true);
    expect(new SubjectProbe(['tablet-2'], key).mayMatch(block.filter)).toBe(false);
  });

  it('is refused with encoded subjects that are too many or not whole', () => {
    const refused = (encodedSubjects: EncodedTexts): void => {
      const record = new SealedRecord({ body: BODY, sealed: SEALED, subjects: [], encodedSubjects }, FIELDS);
      expect(() => checkedBytesOf(record)).toThrow(expect.objectContaining({ code: 'LOG_RECORD_INVALID' }));
    };
    refused(encoded(['a'], 2));
    refused(encoded(['a', 'b'], 1));
    refused(encoded(Array.from({ length: RECORD_SUBJECTS_MAX + 1 }, () => 'a')));
  });
});
