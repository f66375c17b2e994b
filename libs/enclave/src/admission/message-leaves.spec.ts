import { canonicalJson } from '@protego/contracts';
import fc from 'fast-check';
import { MessageBytes, MessageLeaves } from './message-leaves';

/** The bytes of the scalar at the start of a text; undefined where they are left to the parser. */
function read(text: string): string | undefined {
  const message = new MessageBytes();
  const around = Buffer.from(`x${text}9"true`);
  message.enter(around.subarray(1, around.length - 6));
  const leaves = new MessageLeaves(1);
  const end = leaves.read(message, message.start, 0);
  return end < 0
    ? undefined
    : around.toString('utf8', around.byteOffset === 0 ? 1 : message.start - around.byteOffset, end - around.byteOffset);
}

describe('MessageLeaves', () => {
  it.each(['""', '"a b"', '0', '-1', '12', '0.5', '-12.25', 'true', 'false', 'null', '999999999999999'])(
    'reads %s',
    (text) => {
      expect(read(`${text},`)).toBe(text);
    },
  );

  it.each([
    '"\\n"',
    '"ü"',
    '"\x7f"',
    '"\t"',
    '"a',
    '-0',
    '01',
    '-',
    '1.0',
    '1.',
    '.5',
    '1234567890123456',
    'tru',
    'nulL',
    '[1]',
    '{}',
    '',
    '+1',
  ])('leaves %j to the parser', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it('reads only what is its own canonical form', () => {
    const token = fc.oneof(
      fc.string().map((text) => JSON.stringify(text)),
      fc.double().map(String),
      fc.string({ unit: fc.constantFrom(...'0123456789.-eE"tf\\ ') }),
    );
    let count = 0;
    fc.assert(
      fc.property(token, (text) => {
        const found = read(text);
        if (found === undefined) return;
        count++;
        expect(canonicalJson(JSON.parse(found))).toBe(found);
      }),
      { numRuns: 5_000 },
    );
    expect(count).toBeGreaterThan(500);
  });

  it('lets the memory of messages go', () => {
    const message = new MessageBytes();
    message.enter(Buffer.from('"a"'));
    message.leave();
    expect([message.bytes.length, message.view.byteLength, message.start, message.end]).toEqual([0, 0, 0, 0]);
  });
});
