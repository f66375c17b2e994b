import fc from 'fast-check';
import { FrameReader, FrameWriter } from './frame-bytes';

type Field = ['u8' | 'u32' | 'f64', number] | ['text', string] | ['bytes', Uint8Array] | ['json', unknown];

const field = fc.oneof<fc.Arbitrary<Field>[]>(
  fc.tuple(fc.constant('u8' as const), fc.nat(255)),
  fc.tuple(fc.constant('u32' as const), fc.nat(0xffff_ffff)),
  fc.tuple(fc.constant('f64' as const), fc.double()),
  fc.tuple(
    fc.constant('text' as const),
    fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.string({ minLength: 60, maxLength: 70 })),
  ),
  fc.tuple(fc.constant('bytes' as const), fc.uint8Array()),
  fc.tuple(fc.constant('json' as const), fc.jsonValue()),
);

function write(writer: FrameWriter, [kind, value]: Field): void {
  (writer[kind] as (value: unknown) => void)(value);
}

describe('frames', () => {
  it('are read as they were written, however often the memory grew', () => {
    fc.assert(
      fc.property(fc.array(field), fc.nat(64), (fields, bytesExpected) => {
        const writer = new FrameWriter(bytesExpected);
        for (const each of fields) write(writer, each);
        const reader = new FrameReader(writer.end());
        for (const [kind, value] of fields) {
          const found = reader[kind]();
          expect(kind === 'bytes' ? Uint8Array.from(found as Buffer) : found).toEqual(
            kind === 'json' ? JSON.parse(JSON.stringify(value)) : value,
          );
        }
        expect(reader.isAtEnd).toBe(true);
      }),
    );
  });

  it('say a text that comes again once', () => {
    const writer = new FrameWriter();
    writer.textAgain('ehr', undefined);
    writer.textAgain('ehr', 'ehr');
    writer.textAgain('é', 'ehr');
    const reader = new FrameReader(writer.end());
    expect([reader.textAgain(undefined), reader.textAgain('ehr'), reader.textAgain('ehr')]).toEqual([
      'ehr',
      'ehr',
      'é',
    ]);
    expect(writer.end()).toHaveLength(7 + 4 + 6);
  });

  it('are refused where they are cut', () => {
    const writer = new FrameWriter();
    writer.text('some text');
    writer.u32(7);
    const bytes = writer.end();
    for (let length = 0; length < bytes.length; length++) {
      const reader = new FrameReader(bytes.subarray(0, length));
      expect(() => [reader.text(), reader.u32()]).toThrow(
        expect.objectContaining({ code: 'ENCLAVE_CALL_INVALID' }) as Error,
      );
    }
  });
});
