import { ProtegoError } from '@protego/contracts';
import fc from 'fast-check';
import type { Admission, SealedEvent } from '../personal-data';
import { StoredEvent } from '../sealed-event';
import { readAdmissions, readSealings, writeAdmissions, writeSealings } from './call-codec';
import { FrameReader, FrameWriter } from './frame-bytes';

const buffer = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const subjects = fc.oneof(
  fc.array(text, { maxLength: 5 }),
  fc.integer({ min: 253, max: 258 }).map((count) => Array.from({ length: count }, (_, i) => `s-${i}`)),
);
const clear = fc.array(fc.record({ kind: fc.constantFrom(1 as const, 2 as const), plaintext: buffer(20) }), {
  maxLength: 3,
});
const sealedEvent = fc
  .tuple(buffer(60), buffer(60), fc.uint8Array({ minLength: 8, maxLength: 8 }), subjects, clear)
  .map(([body, sealed, hash, names, slots]) => new StoredEvent(body, sealed, Buffer.from(hash), names, slots));
const times = fc.record({
  timeMs: fc.double({ noNaN: true }),
  carriedMs: fc.option(fc.double({ noNaN: true }), { nil: undefined }),
});
const names = fc.record({ source: fc.constantFrom('ehr', 'lab'), type: fc.constantFrom('a.b', 'c.d'), id: text });
const admission: fc.Arbitrary<Admission> = fc.oneof(
  fc
    .tuple(names, times, sealedEvent)
    .map(([name, time, sealed]) => ({ kind: 'admitted' as const, event: { ...name, ...time, sealed } })),
  fc.constant({ kind: 'refused' as const, error: new ProtegoError('EVENT_TOO_LARGE', 'no event', { at: 'id' }) }),
);

function frameOf(write: (writer: FrameWriter) => void): Buffer {
  const writer = new FrameWriter(16);
  write(writer);
  return Buffer.from(writer.end());
}

const plain = ({ body, sealed, contentHash, subjects: found, clear: slots }: SealedEvent): unknown => ({
  body,
  sealed,
  contentHash,
  subjects: found,
  clear: slots,
});

function plainAdmission(one: Admission): unknown {
  if (one.kind === 'refused') return { code: one.error.code, message: one.error.message, details: one.error.details };
  const { source, id, type, timeMs, carriedMs, sealed } = one.event;
  return { source, id, type, timeMs, carriedMs, sealed: plain(sealed) };
}

describe('FramedAdmission', () => {
  it('has what was written, however often it is asked, also behind refused messages', () => {
    fc.assert(
      fc.property(fc.array(admission, { maxLength: 6 }), (written) => {
        const reader = new FrameReader(frameOf((writer) => writeAdmissions(writer, written)));
        const found = readAdmissions(reader);
        expect(reader.isAtEnd).toBe(true);
        expect(found.map(plainAdmission)).toEqual(written.map(plainAdmission));
        expect(found.map(plainAdmission)).toEqual(written.map(plainAdmission));
      }),
      { numRuns: 200 },
    );
  });

  it('is refused when its frame ends anywhere before it does', () => {
    fc.assert(
      fc.property(fc.array(admission, { minLength: 1, maxLength: 3 }), fc.nat(), (written, cut) => {
        const frame = frameOf((writer) => writeAdmissions(writer, written));
        const read = (): unknown => readAdmissions(new FrameReader(frame.subarray(0, cut % frame.length)));
        expect(read).toThrow(expect.objectContaining({ code: 'ENCLAVE_CALL_INVALID' }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('FramedEvent', () => {
  it('has its subjects encoded too', () => {
    fc.assert(
      fc.property(sealedEvent, (written) => {
        const [found] = readSealings(
          new FrameReader(frameOf((writer) => writeSealings(writer, [{ kind: 'sealed', sealed: written }]))),
        );
        if (found?.kind !== 'sealed') throw new Error('the event was refused');
        const { encodedSubjects } = found.sealed;
        if (encodedSubjects === undefined) throw new Error('there are no encoded subjects');
        expect([encodedSubjects.isWhole, encodedSubjects.length]).toEqual([true, written.subjects.length]);
        const { start, end, bytes } = encodedSubjects;
        const expected = frameOf((writer) => written.subjects.forEach((subject) => writer.text(subject)));
        expect(Buffer.from(bytes.subarray(start, end))).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('gives the pipeline its event, made once', () => {
    const body = Buffer.from('{"id":"1","source":"ehr"}');
    const written = new StoredEvent(body, Buffer.alloc(0), Buffer.alloc(8), [], []);
    const [found] = readSealings(
      new FrameReader(frameOf((writer) => writeSealings(writer, [{ kind: 'sealed', sealed: written }]))),
    );
    if (found?.kind !== 'sealed') throw new Error('the event was refused');
    expect(found.sealed.pipelineEvent).toEqual({ id: '1', source: 'ehr' });
    expect(found.sealed.pipelineEvent).toBe(found.sealed.pipelineEvent);
    expect(found.sealed.pseudonyms.size).toBe(0);
  });

  it.each([0, 7, 9])('is refused with a content hash of %i bytes', (bytes) => {
    const written = new StoredEvent(Buffer.of(1), Buffer.of(2), Buffer.alloc(bytes), [], []);
    const frame = frameOf((writer) => writeSealings(writer, [{ kind: 'sealed', sealed: written }]));
    expect(() => readSealings(new FrameReader(frame))).toThrow(
      expect.objectContaining({ code: 'ENCLAVE_CALL_INVALID' }),
    );
  });
});
